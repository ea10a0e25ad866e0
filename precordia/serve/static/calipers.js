// Calipers on a canvas of their own above the paper: two points in one row, marched out along it if wanted.
import {number, t} from "./words.js";

export function calipers(canvas, output, tapped) {
  let place = null, points = null, on = true, march = false, start = null, held = null;
  // One finger measures while the calipers are on, and moves the paper while they are off; two always zoom.
  const touch = () => { canvas.style.touchAction = on ? "pinch-zoom" : "pan-x pan-y pinch-zoom"; };
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function lay(next) {
    place = next;
    const ratio = Math.min(devicePixelRatio || 1, 3);
    canvas.width = Math.round(place.width * ratio);
    canvas.height = Math.round(place.height * ratio);
    canvas.style.width = place.width + "px";
    canvas.style.height = place.height + "px";
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    points = null;
    draw();
  }

  function draw() {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, place.width, place.height);
    if (!points) { output.textContent = t("caliper_help"); return; }
    const [a, b] = points, cell = cellAt(a), top = cell.top, bottom = top + cell.height - 4, step = Math.abs(b.x - a.x);
    pen.strokeStyle = css("--caliper");
    pen.lineWidth = 1.4;
    for (const point of points) { pen.beginPath(); pen.arc(point.x, point.y, 4, 0, 7); pen.stroke(); }
    const up = x => { pen.beginPath(); pen.moveTo(x, top); pen.lineTo(x, bottom); pen.stroke(); };
    up(a.x); up(b.x);
    pen.beginPath();
    pen.moveTo(a.x, a.y); pen.lineTo(b.x, a.y); pen.lineTo(b.x, b.y);
    pen.stroke();
    if (march && step > 4) {
      pen.setLineDash([4, 4]);
      for (let x = Math.max(a.x, b.x) + step; x < place.width; x += step) up(x);
      for (let x = Math.min(a.x, b.x) - step; x > 0; x -= step) up(x);
      pen.setLineDash([]);
    }
    const seconds = step / place.secondPx, mv = (a.y - b.y) / place.mvPx;
    output.textContent = `${cell.lead}: ${number(1000 * seconds)} ms${seconds > 0.2 ? ` · ${number(60 / seconds)} /min` : ""} · ${number(mv, 2)} mV`;
  }

  const at = event => { const r = canvas.getBoundingClientRect(); return {x: event.clientX - r.left, y: event.clientY - r.top}; };
  const cellAt = point => place.cells.filter(c => c.top <= point.y && c.x <= point.x).pop() || place.cells[0];

  // Which point is taken up: a finger covers more than a mouse's arrow.
  const near = (point, event) => points && points.find(p => Math.hypot(p.x - point.x, p.y - point.y) <= (event.pointerType === "mouse" ? 8 : 24));

  canvas.addEventListener("pointerdown", event => {
    if (!event.isPrimary) { start = held = null; return; }  // a second finger zooms
    start = at(event);
    held = on ? near(start, event) : null;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", event => {
    if (!start || !on || !event.isPrimary) return;
    const now = at(event);
    if (held) { held.x = now.x; held.y = now.y; draw(); return; }
    if (Math.hypot(now.x - start.x, now.y - start.y) > 4) { points = [start, now]; draw(); }
  });
  canvas.addEventListener("pointerup", event => {
    const now = at(event);
    if (start && !held && Math.hypot(now.x - start.x, now.y - start.y) <= 4) {
      const cell = cellAt(now);
      tapped(cell.from + (now.x - cell.x) / place.secondPx, cell.lead.replace("-", ""));
    }
    start = held = null;
  });
  canvas.addEventListener("pointercancel", () => { start = held = null; });
  canvas.addEventListener("keydown", event => {
    const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (event.key === "Escape") { points = null; draw(); }
    if (!move || !on) return;
    event.preventDefault();
    if (!points) { const c = place.cells[0]; points = [{x: c.x + 40, y: c.middle}, {x: c.x + 40 + place.secondPx * 0.4, y: c.middle}]; }
    const point = points[event.shiftKey ? 0 : 1];
    point.x += move[0]; point.y += move[1];
    draw();
  });
  return {lay, set: (isOn, marching) => { on = isOn; march = marching; touch(); if (!on) points = null; if (place) draw(); }};
}
