trivium: --assume capital_rate: 'nan': give numbers above 0 in rising order
