// Small charts as SVG; each is also a table or a list beside it, or has a title that says it.
import {svg} from "./h.js";
import {number} from "./words.js";

export function columns(items, label, value = i => i.count, digits = 0) {
  const most = Math.max(...items.map(value), 1e-9), wide = 640 / Math.max(items.length, 6), every = Math.ceil(items.length / 12);
  return svg("svg", {viewBox: "0 0 640 150", class: "chart", role: "img", "aria-label": `${label}: ${items.map(i => `${i.name || i.value} ${number(value(i), digits)}`).join(", ")}`},
    items.map((item, n) => {
      const tall = 108 * value(item) / most;
      return svg("g", {}, svg("rect", {x: n * wide + 2, y: 122 - tall, width: Math.max(2, wide - 4), height: tall, class: "bar"}),
        svg("text", {x: (n + 0.5) * wide, y: 117 - tall, class: "value"}, number(value(item), digits)),
        n % every === 0 && svg("text", {x: (n + 0.5) * wide, y: 140}, item.name || item.value));
    }));
}

// One measurement through time: points, a line, and each value.
export function course(items, at, label) {
  const known = items.map((item, i) => ({i, v: item.measurements[at]})).filter(p => p.v !== null && p.v !== undefined);
  if (!known.length) return null;
  const most = Math.max(...known.map(p => p.v)), least = Math.min(...known.map(p => p.v)), span = Math.max(most - least, 1);
  const x = i => items.length === 1 ? 160 : 24 + 272 * i / (items.length - 1), y = v => 58 - 34 * (v - least) / span;
  return svg("svg", {viewBox: "0 0 320 72", class: "chart course", role: "img", "aria-label": `${label}: ${known.map(p => number(p.v)).join(", ")}`},
    svg("polyline", {points: known.map(p => `${x(p.i)},${y(p.v)}`).join(" "), class: "line"}),
    known.map(p => svg("g", {}, svg("circle", {cx: x(p.i), cy: y(p.v), r: 3, class: "dot"}), (known.length < 9 || p.v === most || p.v === least) && svg("text", {x: x(p.i), y: y(p.v) - 7}, number(p.v)))));
}
