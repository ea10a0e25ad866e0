// An ECG on paper: one millimetre of paper is one millimetre of a screen of 96 dots an inch, at a zoom of 1.
export const MM = 96 / 25.4;
const LIMBS = ["I", "II", "III", "aVR", "aVL", "aVF"], CABRERA = ["aVL", "I", "-aVR", "II", "aVF", "III"];
const CHEST = ["V1", "V2", "V3", "V4", "V5", "V6"];

// Rows of cells; a cell is a lead and the part of the stretch that it shows, as fractions.
export function rowsOf(layout, cabrera, leads) {
  const has = name => leads.includes(name.replace("-", ""));
  const limbs = (cabrera ? CABRERA : LIMBS).filter(has), chest = CHEST.filter(has);
  const order = [...limbs, ...chest, ...leads.filter(l => ![...LIMBS, ...CHEST].includes(l))];
  const whole = lead => [{lead, from: 0, to: 1}];
  if (layout === "12x1" || order.length !== 12) return order.map(whole);
  const columns = layout === "6x2" ? [limbs, chest] : [limbs.slice(0, 3), limbs.slice(3), chest.slice(0, 3), chest.slice(3)];
  const rows = columns[0].map((_, r) => columns.map((column, c) => ({lead: column[r], from: c / columns.length, to: (c + 1) / columns.length})));
  return layout === "3x4+1" ? [...rows, whole("II")] : rows;
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function sized(canvas, width, height) {
  const ratio = Math.min(devicePixelRatio || 1, 3);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

function grid(pen, width, height, mm) {
  for (const [step, colour] of [[mm, css("--paper-fine")], [5 * mm, css("--paper-line")]]) {
    if (step < 2.5) continue;
    pen.beginPath();
    for (let x = 0; x <= width; x += step) { pen.moveTo(Math.round(x) + 0.5, 0); pen.lineTo(Math.round(x) + 0.5, height); }
    for (let y = 0; y <= height; y += step) { pen.moveTo(0, Math.round(y) + 0.5); pen.lineTo(width, Math.round(y) + 0.5); }
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.stroke();
  }
}

// A line through samples, broken where one is missing.
export function line(pen, row, first, last, x, y) {
  pen.beginPath();
  let down = false;
  for (let i = Math.max(0, first); i < Math.min(row.length, last); i++) {
    if (row[i] === null) { down = false; continue; }
    if (down) pen.lineTo(x(i), y(row[i])); else pen.moveTo(x(i), y(row[i]));
    down = true;
  }
  pen.stroke();
}

// Draws a stretch; returns where everything stands: for calipers and for marks.
export function paper(canvas, signal, {layout, cabrera, speed, gain, zoom, spans = [], note, least = 0}) {
  const mm = MM * zoom, rows = rowsOf(layout, cabrera, signal.leads), left = 8 * mm;
  const tall = Math.max(rows.length > 7 ? 14 : 26, gain * (rows.length > 7 ? 1.4 : 2.6)) * mm;
  const width = Math.max(least, left + signal.duration_s * speed * mm + 2 * mm), height = rows.length * tall + 8 * mm;
  const pen = sized(canvas, width, height);
  pen.fillStyle = css("--paper");
  pen.fillRect(0, 0, width, height);
  grid(pen, width, height, mm);
  const cells = rows.flatMap((row, r) => row.map(cell => ({
    lead: cell.lead, from: cell.from * signal.duration_s, to: cell.to * signal.duration_s,
    x: left + cell.from * signal.duration_s * speed * mm, top: r * tall + 3 * mm, middle: r * tall + tall * 0.6 + 3 * mm, height: tall,
  })));
  const place = {cells, mm, secondPx: speed * mm, mvPx: gain * mm, width, height, fs: signal.fs};
  pen.fillStyle = css("--mark");
  for (const span of spans) for (const cell of cells) {
    const a = Math.max(span.from, cell.from), b = Math.min(span.to, cell.to);
    if (b > a && (!span.leads || span.leads.includes(cell.lead.replace("-", ""))))
      pen.fillRect(cell.x + (a - cell.from) * place.secondPx, cell.top, Math.max(2, (b - a) * place.secondPx), tall - mm);
  }
  pen.strokeStyle = css("--trace");
  pen.lineJoin = "round";
  pen.lineWidth = Math.max(1, 0.28 * mm);
  for (const cell of cells) {
    const sign = cell.lead.startsWith("-") ? -1 : 1, row = signal.samples[cell.lead.replace("-", "")];
    line(pen, row, Math.floor(cell.from * signal.fs), Math.ceil(cell.to * signal.fs) + 1,
      i => cell.x + (i / signal.fs - cell.from) * place.secondPx, v => cell.middle - sign * v * place.mvPx);
  }
  pen.fillStyle = css("--ink");
  pen.font = `600 ${Math.max(11, 3.2 * mm)}px system-ui, sans-serif`;
  for (const cell of cells) pen.fillText(cell.lead.replace("-", "−"), cell.x + mm, cell.top + 4 * mm);
  // Where one lead ends and the next begins.
  for (const cell of cells) if (cell.from > 0) pen.fillRect(cell.x - 0.5, cell.middle - 4 * mm, 1, 3 * mm);
  // The calibration mark: 1 mV high, 5 mm wide.
  pen.strokeStyle = css("--ink");
  for (let r = 0; r < rows.length; r++) {
    const base = cells.find(c => c.top === r * tall + 3 * mm).middle;
    pen.beginPath();
    pen.moveTo(mm, base); pen.lineTo(2 * mm, base); pen.lineTo(2 * mm, base - place.mvPx); pen.lineTo(5 * mm, base - place.mvPx); pen.lineTo(5 * mm, base); pen.lineTo(6 * mm, base);
    pen.stroke();
  }
  pen.font = `${Math.max(10, 2.6 * mm)}px system-ui, sans-serif`;
  pen.fillText(`${speed} mm/s   ${gain} mm/mV   ${note}`, left, height - 1.5 * mm);
  return place;
}

// The small ECG of a card: one lead, its own scale if it is tall.
export function trace(canvas, signal) {
  const width = canvas.clientWidth || 280, height = canvas.clientHeight || 76, pen = sized(canvas, width, height), lead = signal.leads[0];
  pen.fillStyle = css("--paper");
  pen.fillRect(0, 0, width, height);
  const perSecond = width / 3.5, row = signal.samples[lead], known = row.filter(v => v !== null);
  grid(pen, width, height, perSecond / 25);
  const most = Math.max(...known), least = Math.min(...known), perMv = Math.min(perSecond * 0.4, (height - 10) / Math.max(0.2, most - least));
  pen.strokeStyle = css("--trace");
  pen.lineWidth = 1.1;
  line(pen, row, 0, row.length, i => i / signal.fs * perSecond, v => height / 2 - (v - (most + least) / 2) * perMv);
  pen.fillStyle = css("--ink");
  pen.font = "600 11px system-ui, sans-serif";
  pen.fillText(lead, 4, 12);
  canvas.dataset.drawn = "true";
}

// Average beats over each other, a small frame a lead; b may be missing. Marks are s of a.
export function beats(canvas, aligned, {only, marks} = {}) {
  const leads = only ? [only] : Object.keys(aligned.leads), across = only ? 1 : leads.length > 6 ? 4 : 3;
  const width = canvas.parentElement.clientWidth || 360, wide = width / across, tall = only ? 240 : 84;
  const pen = sized(canvas, width, Math.ceil(leads.length / across) * tall);
  leads.forEach((lead, n) => {
    const {a, b, differs} = aligned.leads[lead], x0 = (only ? 0 : n % across) * wide, y0 = Math.floor(n / across) * tall;
    const all = [...a, ...(b || [])].filter(v => v !== null), most = Math.max(...all, 0.2), least = Math.min(...all, -0.2);
    const perMv = (tall - 26) / (most - least), perS = (wide - 8) / (a.length / aligned.fs);
    const y = v => y0 + 18 + (most - v) * perMv, x = i => x0 + 4 + i / aligned.fs * perS;
    pen.fillStyle = differs ? css("--differs") : css("--paper");
    pen.fillRect(x0 + 1, y0 + 1, wide - 2, tall - 2);
    pen.strokeStyle = css("--line");
    pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(x0 + 4, y(0)); pen.lineTo(x0 + wide - 4, y(0)); pen.stroke();
    for (const [name, at] of Object.entries((only && marks && marks[lead]) || {})) {
      if (at === null || at === undefined) continue;
      pen.strokeStyle = css("--accent");
      pen.setLineDash(name.endsWith("peak") ? [2, 3] : []);
      pen.beginPath(); pen.moveTo(x0 + 4 + at * perS, y0 + 18); pen.lineTo(x0 + 4 + at * perS, y0 + tall - 6); pen.stroke();
      pen.setLineDash([]);
      if (name.endsWith("_on")) { pen.fillStyle = css("--accent"); pen.font = "11px system-ui, sans-serif"; pen.fillText(name.replace("_on", "").toUpperCase(), x0 + 6 + at * perS, y0 + 30); }
    }
    pen.lineWidth = 1.4;
    if (b) { pen.strokeStyle = css("--second"); line(pen, b, 0, b.length, x, y); }
    pen.strokeStyle = css("--trace");
    line(pen, a, 0, a.length, x, y);
    pen.fillStyle = css("--ink");
    pen.font = "600 11px system-ui, sans-serif";
    pen.fillText(lead + (differs ? " ≠" : ""), x0 + 5, y0 + 13);
  });
}
