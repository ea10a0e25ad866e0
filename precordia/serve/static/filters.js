// Filters for the eye only, each shown by name on the paper: second-order sections (R. Bristow-Johnson's audio cookbook),
// run forwards and backwards so that no wave is moved in time. Measurements are made from the signal as recorded.
export const FILTERS = {
  none: {name: null, steps: []},
  usual: {name: "0.5–40 Hz", steps: [["high", 0.5], ["low", 40]]},
  wide: {name: "0.05–150 Hz", steps: [["high", 0.05], ["low", 150]]},
  mains50: {name: "50 Hz", steps: [["notch", 50]]},
  mains60: {name: "60 Hz", steps: [["notch", 60]]},
};

function section(kind, hz, fs) {
  const w = 2 * Math.PI * hz / fs, c = Math.cos(w), alpha = Math.sin(w) / (2 * (kind === "notch" ? 15 : Math.SQRT1_2));
  const b = kind === "low" ? [(1 - c) / 2, 1 - c, (1 - c) / 2] : kind === "high" ? [(1 + c) / 2, -1 - c, (1 + c) / 2] : [1, -2 * c, 1];
  const a0 = 1 + alpha;
  return {b: b.map(x => x / a0), a: [-2 * c / a0, (1 - alpha) / a0]};
}

function run({b, a}, x) {
  const y = new Float64Array(x.length), gain = (b[0] + b[1] + b[2]) / (1 + a[0] + a[1]);
  let x1 = x[0], x2 = x[0], y1 = x[0] * gain, y2 = y1;
  for (let i = 0; i < x.length; i++) {
    y[i] = b[0] * x[i] + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2;
    x2 = x1; x1 = x[i]; y2 = y1; y1 = y[i];
  }
  return y;
}

export function filtered(signal, name) {
  const steps = FILTERS[name].steps.filter(([, hz]) => hz < signal.fs / 2);
  if (!steps.length) return signal;
  const samples = Object.fromEntries(Object.entries(signal.samples).map(([lead, row]) => {
    let y = Float64Array.from(row, v => v === null ? 0 : v);
    for (const [kind, hz] of steps) {
      const s = section(kind, hz, signal.fs);
      y = run(s, run(s, y).reverse()).reverse();
    }
    return [lead, Array.from(y, (v, i) => row[i] === null ? null : v)];
  }));
  return {...signal, samples};
}
