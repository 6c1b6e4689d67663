"use strict";
// What the page can reckon by itself: the formulas of trivium.capital.cover and trivium.capital.capacity, step by step.
const reckon = (() => {
  const SECONDS_A_YEAR = 365.25 * 86400;
  const HOURS_A_YEAR = 365.25 * 24;
  const WATTS = 1e9, KW = 1e6, MTOK = 1e6;
  const at = (value) => ({ low: value, point: value, high: value });
  const times = (a, b) => ({ low: a.low * b.low, point: a.point * b.point, high: a.high * b.high });
  const over = (a, b) => ({ low: a.low / b.high, point: a.point / b.point, high: a.high / b.low });
  const plus = (a, b) => ({ low: a.low + b.low, point: a.point + b.point, high: a.high + b.high });

  // Years of today's run rate that a commitment is: C / R.
  const staticYears = (committed, rate) => committed / rate;

  // ln(1 + g C / (s R)) / g; Infinity where revenue shrinks so fast that it never adds up to C. g is ln of the factor.
  const grownYears = (committed, rate, growth, share) => {
    const years = committed / (share * rate);
    if (growth === 0) return years;
    const inside = 1 + growth * years;
    return inside <= 0 ? Infinity : Math.log(inside) / growth;
  };

  // The capital recovery factor r / (1 - (1 + r)^-n): it rises with the rate and falls with the life.
  const factor = (rate, years) => rate / (1 - Math.pow(1 + rate, -years));
  const annuity = (rate, life) => ({
    low: factor(rate.low, life.high), point: factor(rate.point, life.point), high: factor(rate.high, life.low),
  });

  const usdPerMtok = (given, facility) => {
    const watts = times(given.watts_per_chip, facility ? at(1) : given.facility_overhead);
    const capital = times(given.cost_usd_per_gw, annuity(given.capital_rate, given.life_years));
    const yearly = plus(capital, times(given.energy_usd_per_kwh, at(KW * HOURS_A_YEAR)));
    const chips = over(given.tokens_per_s_per_chip, watts);
    const served = times(times(times(chips, at(WATTS)), at(SECONDS_A_YEAR)), given.utilisation);
    return times(over(yearly, served), at(MTOK));
  };

  // One input alone from its low to its high end, the others at their points; the widest first.
  const swings = (given, facility) => {
    const names = Object.keys(given).filter((name) => !(facility && name === "facility_overhead"));
    const answer = (name, value) => {
      const points = {};
      for (const key of Object.keys(given)) points[key] = at(key === name ? value : given[key].point);
      return usdPerMtok(points, facility).point;
    };
    const found = names.map((name) => {
      const low = answer(name, given[name].low), high = answer(name, given[name].high);
      return { name, at_low: low, at_high: high, spread: Math.max(low, high) / Math.min(low, high) };
    });
    return found.sort((a, b) => b.spread - a.spread);
  };
  return { staticYears, grownYears, usdPerMtok, swings };
})();
if (typeof module !== "undefined") module.exports = reckon;
