// Compare: the patient's own line through time, and two ECGs beside and over each other.
import {get, post} from "./api.js";
import {board} from "./board.js";
import {course} from "./chart.js";
import {h} from "./h.js";
import {beats as drawBeats} from "./paper.js";
import {empty, fill} from "./states.js";
import {date, number, t, unit} from "./words.js";

const LINES = ["heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg"];

export function compare(context, ecg, _, [, second]) {
  if (ecg.file) return empty(t("archive_only"), t("no_ecg_help"));
  const through = h("section", {class: "panel"}, h("h2", {}, t("timeline"))), pair = h("section", {class: "pair"});
  const spot = through.appendChild(h("div", {}));
  const entry = h("input", {type: "text", inputmode: "numeric", "aria-label": t("case_id"), placeholder: t("case_id"), required: true});
  through.append(h("form", {class: "tools", onsubmit: e => { e.preventDefault(); context.go("compare", `${ecg.case}/${entry.value.trim()}`); }}, h("span", {class: "label"}, t("against")), entry, h("button", {}, t("compare"))));
  fill(spot, () => get(`/v1/cases/${ecg.case}/timeline`), ({items}) => {
    const here = items.findIndex(i => i.case_id === ecg.case), near = items[here - 1] || items[here + 1];
    if (second || near) sideBySide(pair, items, second || near.case_id, ecg.case);
    const table = h("table", {class: "timeline"},
      h("thead", {}, h("tr", {}, [t("date"), ...LINES.map(n => `${t(n)} ${unit(n)}`), t("findings"), t("against")].map(x => h("th", {scope: "col"}, x)))),
      h("tbody", {}, items.map(one => h("tr", {class: one.case_id === ecg.case && "here"},
        h("th", {scope: "row"}, h("a", {href: `#read/${one.case_id}`}, date(one.recorded_at))), LINES.map(n => h("td", {}, number(one.measurements[n]))),
        h("td", {}, one.findings.map(f => h("span", {class: one.new.includes(f) ? "tag new" : "tag"}, f, one.new.includes(f) && ` ${t("is_new")}`)), one.gone.map(f => h("s", {class: "tag"}, `${f} ${t("gone")}`))),
        h("td", {}, one.case_id !== ecg.case && h("a", {href: `#compare/${ecg.case}/${one.case_id}`}, t("compare")))))));
    return [items.length === 1 && empty(t("one_only"), t("one_only_help")),
      items.length > 1 && h("div", {class: "courses"}, LINES.map(n => h("figure", {}, h("figcaption", {}, `${t(n)} ${unit(n)}`), course(items, n, t(n)) || "–"))),
      h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": t("timeline")}, table)].filter(Boolean);
  });
  return [h("h1", {class: "unseen"}, t("compare")), through, pair];
}

function sideBySide(place, items, one, other) {
  // The earlier of the patient's two stands first; of two patients, the one that is open.
  const at = id => items.findIndex(i => i.case_id === id);
  const [a, b] = at(one) < 0 || at(one) > at(other) ? [other, one] : [one, other];
  fill(place, () => post("/v1/compare", {a, b}), found => {
    const canvas = h("canvas", {role: "img", "aria-label": t("superimposed")}), title = c => `${c.recording_id}, ${date(c.metadata.time)}`;
    const leads = found.aligned ? Object.keys(found.aligned.leads) : [], different = leads.filter(l => found.aligned.leads[l].differs);
    if (leads.length) requestAnimationFrame(() => drawBeats(canvas, found.aligned));
    return [
      h("div", {class: "panel"}, h("h2", {}, t("verdict")), h("p", {}, found.statements[0] || found.reason || "–"),
        found.changes.length > 0 && h("table", {class: "numbers"}, h("thead", {}, h("tr", {}, ["", t("before"), t("after")].map(x => h("th", {scope: "col"}, x || t("changes"))))),
          h("tbody", {}, found.changes.map(c => h("tr", {}, h("th", {scope: "row"}, c.label || c.text), h("td", {}, `${number(c.before)} ${c.unit || ""}`), h("td", {}, `${number(c.after)} ${c.unit || ""}`)))))),
      h("div", {class: "panel"}, h("h2", {}, t("superimposed")), h("div", {}, canvas),
        h("p", {class: "legend"}, h("span", {class: "first"}, title(found.a)), h("span", {class: "other"}, title(found.b)), h("span", {}, different.length ? `${t("differs")}: ${different.join(", ")}` : t("same")))),
      ...[found.a, found.b].map((c, n) => h("div", {class: "panel half"}, h("h2", {class: "name"}, `${title(c)} · ${t(n ? "later" : "earlier")}`), board({case: c.case_id}, {small: true, name: title(c)}).element, h("p", {class: "report"}, c.report || t("no_report")))),
    ];
  });
}
