// Read: the ECG on paper, what was measured, what is said of it, and its precedents.
import {html, inspected, measured, report as fetchReport, signal} from "./api.js";
import {board} from "./board.js";
import {choice, h} from "./h.js";
import {beats as drawBeats} from "./paper.js";
import {fill, limits} from "./states.js";
import {draft, namesAt, spansOf} from "./statements.js";
import {MEASUREMENTS, number, t, unit} from "./words.js";

// As the service says of two cases: apart by a good part of their height, and by more than noise.
const DIFFERS = 0.35, DIFFERS_MV = 0.1;

export function read(context, ecg) {
  let beats = [], table = null, said = null, precedents = [];
  const light = (names, cases) => {
    sheet.mark(spansOf(names, beats, sheet.start()));
    if (table) table.querySelectorAll("tr").forEach(row => row.classList.toggle("lit", names.includes(row.dataset.name)));
    precedents.forEach(p => p.classList.toggle("lit", cases.includes(p.dataset.id)));
  };
  const point = (names, cases = []) => { light(names, cases); if (said) said.light(names, cases); };
  const sheet = board(ecg, {tapped: time => point(namesAt(time, beats))});
  const numbers = h("section", {class: "panel"}), words = h("section", {class: "panel"}), average = h("section", {class: "panel"}), near = h("section", {class: "panel"});
  const head = text => h("h2", {}, text), place = panel => panel.appendChild(h("div", {}));

  numbers.append(head(t("measurements")));
  fill(place(numbers), () => measured(ecg), m => {
    beats = m.beats;
    table = h("table", {class: "numbers"}, h("tbody", {}, MEASUREMENTS.map(name => h("tr", {"data-name": name, onmouseenter: () => point([name]), onmouseleave: () => point([])},
      h("th", {scope: "row"}, h("button", {class: "link", onfocus: () => point([name]), onblur: () => point([]), onclick: () => point([name])}, t(name))),
      h("td", {}, number(m.measurements[name]), " ", m.measurements[name] !== null && unit(name)),
      h("td", {class: "quiet"}, m.measurements.confidence[name] < 0.5 && t("little_trust"))))));
    return [table, h("p", {class: "quiet"}, `${t("quality_is")} ${number(100 * m.quality.score)} %`, m.quality.problems.map(p => " · " + p.message))];
  });

  words.append(head(t("statements")));
  fill(place(words), () => fetchReport(ecg), r => {
    said = draft(r, {light, go: sheet.go});
    drawPrecedents(r.hits);
    return said.parts.length ? said.parts : h("p", {}, t("no_statements"));
  });

  average.append(head(t("average")));
  const spot = place(average);
  let lead = "", other = null;
  const overlay = () => fill(spot, () => Promise.all([measured(ecg), other && measured({case: other.case_id})]), ([a, b]) => {
    if (!a.average || !a.average.leads || !Object.keys(a.average.leads).length) return h("p", {class: "quiet"}, "–");
    const aligned = laidOver(a.average, b && b.average), different = Object.keys(aligned.leads).filter(l => aligned.leads[l].differs);
    const canvas = h("canvas", {role: "img", "aria-label": t("average")});
    requestAnimationFrame(() => drawBeats(canvas, aligned, {only: lead, marks: a.average.marks_by_lead}));
    return [h("div", {class: "tools"}, choice(t("lead"), lead, [["", String(Object.keys(aligned.leads).length)], ...Object.keys(aligned.leads).map(l => [l, l])], v => { lead = v; overlay(); }),
      choice(t("overlay"), other ? other.case_id : "", [["", t("no_overlay")], ...hits.map(x => [x.case_id, x.recording_id])], v => { other = hits.find(x => x.case_id === v) || null; overlay(); })),
      h("div", {}, canvas), h("p", {class: "legend"}, h("span", {class: "first"}, t("this_ecg")), other && h("span", {class: "other"}, other.recording_id),
        other && h("span", {}, different.length ? `${t("differs")}: ${different.join(", ")}` : t("same")))];
  });
  let hits = [];
  overlay();

  near.append(head(t("precedents")));
  const list = place(near);
  function drawPrecedents(found) {
    hits = found.slice(0, 8);
    precedents = hits.map(x => h("li", {"data-id": x.case_id, onmouseenter: () => said.light([], [x.case_id]), onmouseleave: () => said.light([])},
      h("button", {class: "link", onclick: () => { other = x; overlay(); average.scrollIntoView({block: "nearest"}); }}, x.recording_id), ` ${number(x.score, 2)} `, h("a", {href: `#read/${x.case_id}`}, t("read")),
      h("p", {class: "report"}, x.report || t("no_report"))));
    list.replaceChildren(h("ol", {class: "precedents"}, precedents));
    overlay();
  }
  const page = h("div", {class: "tools"}, h("button", {class: "quiet", onclick: () => showPage(t("print"), () => html("/v1/report", ecg, {page: true}))}, t("print")));
  // What a model drew is on a page of its own, marked as such; never on the paper that is measured.
  signal(ecg).then(s => s.leads.length < 12 && s.recording_duration_s <= 120 && page.append(drawing(ecg, "draw_leads")), () => {});
  const reading = h("div", {class: "reading"}, h("div", {class: "desk"}, sheet.element, h("div", {class: "below"}, numbers, average)), h("div", {class: "panels"}, words, near, page));
  // A pulse, a video's frames, an electrogram: what is no ECG is not drawn as one, and what it shows is told.
  if (ecg.file) signal(ecg).catch(error => error.status === 400 && inspected(ecg).then(told => { if (!told.leads) reading.replaceWith(otherSignal(told, ecg)); }, () => {}));
  return [h("h1", {class: "unseen"}, t("read")), reading];
}

// What inspect tells of a signal that is no ECG, each value under the names that lead to it.
function otherSignal({source, signal: kind, ...told}, ecg) {
  const rows = (values, path) => Object.entries(values).flatMap(([name, value]) => value !== null && typeof value === "object" && !Array.isArray(value) ? rows(value, [...path, t(name)]) : [[[...path, t(name)].join(": "), value]]);
  const text = value => typeof value === "number" ? number(value, 2) : [value].flat().join(", ");
  return h("section", {class: "panel other-signal"}, h("h2", {class: "name"}, `${kind.title} · ${source}`), limits(kind),
    h("table", {class: "numbers"}, h("tbody", {}, rows(told, []).filter(([, value]) => value !== null && value !== "").map(([name, value]) => h("tr", {}, h("th", {scope: "row"}, name), h("td", {}, text(value)))))), told.pulse && drawing(ecg, "draw_ecg"));
}

const drawing = (ecg, name) => h("button", {class: "quiet", onclick: () => showPage(t(name), () => html("/v1/draw", ecg))}, t(name));

function showPage(title, fetched) {
  const dialog = h("dialog", {class: "page", "aria-label": title});
  const spot = h("div", {});
  dialog.append(h("form", {method: "dialog"}, h("button", {class: "quiet", "aria-label": t("remove")}, "×")), spot);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  fill(spot, fetched, text => { const frame = h("iframe", {title, sandbox: ""}); frame.srcdoc = text; return frame; });
}

function laidOver(a, b) {
  const leads = {}, shift = b ? Math.round((b.r_s - a.r_s) * a.fs) : 0;
  for (const [lead, row] of Object.entries(a.leads)) {
    const second = b && b.leads[lead] ? row.map((_, i) => b.leads[lead][i + shift] ?? null) : null;
    const apart = second ? Math.max(...row.map((v, i) => v === null || second[i] === null ? 0 : Math.abs(v - second[i]))) : 0;
    const span = second ? Math.max(...[row, second].map(r => { const k = r.filter(v => v !== null); return Math.max(...k) - Math.min(...k); })) : 0;
    leads[lead] = {a: row, b: second, differs: Boolean(second) && apart > Math.max(DIFFERS * span, DIFFERS_MV)};
  }
  return {fs: a.fs, leads};
}
