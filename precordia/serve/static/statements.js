// Statements with what they stand on; what is pointed at is told to whoever listens, and the other way round.
import {h} from "./h.js";
import {limits} from "./states.js";
import {clock, number, t} from "./words.js";

// The part of each beat that a measurement came from, by its marks.
const PART = {
  p_ms: ["p_on_s", "p_off_s"], pr_ms: ["p_on_s", "qrs_on_s"], qrs_ms: ["qrs_on_s", "qrs_off_s"], qrs_active_ms: ["qrs_on_s", "qrs_off_s"],
  qt_ms: ["qrs_on_s", "t_off_s"], qtc_ms: ["qrs_on_s", "t_off_s"], qtc_fridericia_ms: ["qrs_on_s", "t_off_s"],
  axis_deg: ["qrs_on_s", "qrs_off_s", ["I", "aVF", "II", "III", "aVL", "aVR"]], p_axis_deg: ["p_on_s", "p_off_s", ["I", "aVF", "II", "III", "aVL", "aVR"]],
  t_axis_deg: ["t_on_s", "t_off_s", ["I", "aVF", "II", "III", "aVL", "aVR"]],
  st_j_mv: ["qrs_off_s", "t_on_s"], st_j60_mv: ["qrs_off_s", "t_on_s"], st_j80_mv: ["qrs_off_s", "t_on_s"], t_mv: ["t_on_s", "t_off_s"], t_width_ms: ["t_on_s", "t_off_s"],
  r_mv: ["qrs_on_s", "qrs_off_s"], s_mv: ["qrs_on_s", "qrs_off_s"], q_mv: ["qrs_on_s", "qrs_off_s"],
};
const RHYTHM = ["heart_rate_bpm", "rr_ms", "rr_sd_ms", "rr_usual_sd_ms", "rr_min_ms", "rr_max_ms"];

export function spansOf(names, beats, offset = 0) {
  return names.flatMap(full => {
    const [name, lead] = full.split(/[.[\]: ]/);
    if (RHYTHM.includes(name)) return beats.slice(1).map((b, i) => ({name, from: beats[i].r_s - offset, to: b.r_s - offset - 0.02}));
    const part = PART[name];
    if (!part) return [];
    return beats.filter(b => b[part[0]] !== null && b[part[1]] !== null)
      .map(b => ({name, from: b[part[0]] - offset, to: b[part[1]] - offset, leads: lead ? [lead] : part[2]}));
  });
}

// Which measurements a moment of the signal belongs to.
export const namesAt = (time, beats) => [...Object.keys(PART).filter(name => !name.endsWith("_mv")
  && beats.some(b => b[PART[name][0]] !== null && b[PART[name][0]] <= time && time <= b[PART[name][1]]))];

// sheet.light(measurements, cases) is told what is pointed at, sheet.go(s) the place that one wants to see. Returns the list, with a
// method that lights statements from elsewhere.
export function statementList(statements, {light, go}, extra = () => null) {
  const items = statements.map(s => {
    const cases = s.citations.map(c => c.case_id);
    const on = () => { item.classList.add("lit"); light(s.measurements, cases); }, off = () => { item.classList.remove("lit"); light([], []); };
    const item = h("li", {class: "statement", "data-id": s.id, onmouseenter: on, onmouseleave: off, onfocusin: on, onfocusout: off},
      h("p", {class: "text"}, s.text, s.confidence !== null && s.confidence !== undefined && h("span", {class: "quiet"}, ` ${number(100 * s.confidence)} %`)),
      h("p", {class: "basis"},
        s.measurements.map(m => h("button", {class: "cite", onclick: on}, t(m))),
        (s.places || []).map(p => h("button", {class: "cite", onclick: () => go(p.start_s)}, `${clock(p.start_s)}–${clock(p.end_s)}`)),
        s.citations.map(c => h("a", {class: "cite", href: `#read/${c.case_id}`, title: c.quote || ""}, c.recording_id)),
        h("span", {class: "quiet"}, s.citations.length ? `${t("support")} ${number(100 * s.support)} %` : t("measured"))),
      s.warnings.length > 0 && h("ul", {class: "warnings"}, s.warnings.map(w => h("li", {}, w))), extra(s));
    item.lights = (names, ids) => item.classList.toggle("lit", s.measurements.some(m => names.includes(m)) || cases.some(c => ids.includes(c)));
    return item;
  });
  const list = h("ol", {class: "statements"}, items);
  return {list, light: (names, ids = []) => items.forEach(item => item.lights(names, ids))};
}

// A report's statements with all that it says besides.
export function draft(report, sheet, extra) {
  const made = statementList(report.statements, sheet, extra);
  const consider = report.to_consider.length > 0 && statementList(report.to_consider, sheet);
  return {...made, parts: [
    limits(report.signal),
    report.abstained && h("p", {class: "note"}, h("strong", {}, t("not_sure") + ": "), report.reason),
    consider && h("section", {class: "consider"}, h("h3", {}, t("consider")), consider.list),
    report.statements.length > 0 && made.list,
    report.warnings.length > 0 && h("ul", {class: "warnings"}, report.warnings.map(w => h("li", {}, w))),
  ].filter(Boolean)};
}
