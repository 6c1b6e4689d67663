// Reads the inputs of the page, reckons, and writes what came out; nothing leaves the page.
(() => {
  if (typeof document === "undefined") return;
  const given = JSON.parse(document.getElementById("inputs").textContent);
  const field = (id) => document.getElementById(id);
  const number = (id) => Number(field(id).value);
  const say = (id, text) => { field(id).textContent = text; };
  const shown = (value) => (Number.isFinite(value) && !Number.isNaN(value) ? Number(value.toPrecision(3)).toString() : value === Infinity ? "never" : "give a number");

  const cover = () => {
    const rate = number("live-rate"), growth = Math.log(number("live-growth")), share = number("live-share");
    for (const degree of given.degrees) {
      const committed = number("live-" + degree);
      say("live-static-" + degree, shown(reckon.staticYears(committed, rate)));
      say("live-grown-" + degree, shown(reckon.grownYears(committed, rate, growth, share)));
    }
  };

  const chip = () => given.silicon[field("live-silicon").value];
  const read = () => {
    const found = {};
    for (const name of given.inputs) {
      const by = given.scale[name] || 1;
      found[name] = { low: number(`live-${name}-low`) * by, point: number(`live-${name}-point`) * by, high: number(`live-${name}-high`) * by };
    }
    return found;
  };
  const fill = () => {
    for (const name of ["watts_per_chip", "tokens_per_s_per_chip"]) {
      for (const end of ["low", "point", "high"]) field(`live-${name}-${end}`).value = Number(chip()[name][end].toPrecision(6));
    }
  };
  const capacity = () => {
    const now = read(), facility = chip().facility, usd = reckon.usdPerMtok(now, facility);
    for (const end of ["low", "point", "high"]) say("live-usd-" + end, shown(usd[end]));
    for (const name of given.inputs) say(`live-${name}-swing`, "not used");
    for (const one of reckon.swings(now, facility)) {
      say(`live-${one.name}-swing`, `${shown(one.at_low)} … ${shown(one.at_high)}`);
    }
  };

  if (field("live-rate")) {
    for (const one of document.querySelectorAll("#live-cover input")) { one.disabled = false; one.addEventListener("input", cover); }
  }
  if (field("live-silicon")) {
    for (const one of document.querySelectorAll("#live-capacity input")) { one.disabled = false; one.addEventListener("input", capacity); }
    field("live-silicon").disabled = false;
    field("live-silicon").addEventListener("change", () => { fill(); capacity(); });
  }
})();
