// Decide: accept, edit or strike each statement of the draft, and sign.
import {get, report as fetchReport, measured, send} from "./api.js";
import {board} from "./board.js";
import {h} from "./h.js";
import {empty, failed, fill} from "./states.js";
import {draft, spansOf} from "./statements.js";
import {date, t} from "./words.js";

export function decide(context, ecg) {
  const sheet = board(ecg), words = h("section", {class: "panel"}, h("h2", {}, t("statements"))), past = h("section", {class: "panel"}, h("h2", {}, t("past")));
  const spot = words.appendChild(h("div", {})), earlier = past.appendChild(h("div", {}));
  let beats = [];
  measured(ecg).then(m => { beats = m.beats; }).catch(() => {});

  fill(spot, () => fetchReport(ecg), report => {
    const subject = ecg.file ? {recording_hash: report.recording_hash} : {case: ecg.case};
    fill(earlier, () => get("/v1/reviews", subject), history);
    const decisions = new Map(), fields = new Map(), result = h("div", {role: "status"});
    const count = h("span", {class: "quiet"}), sign = h("button", {class: "main", disabled: true, onclick: () => keep(true)}, t("sign"));
    const save = h("button", {disabled: true, onclick: () => keep(false)}, t("keep"));
    const ready = () => {
      const whole = [...decisions].filter(([id, d]) => d !== "edit" || fields.get(id).value.trim()).length;
      count.textContent = `${whole} / ${report.statements.length} ${t("decided")}`;
      sign.disabled = whole < report.statements.length;
      save.disabled = whole === 0;
    };
    const made = draft(report, {light: names => sheet.mark(spansOf(names, beats, sheet.start())), go: sheet.go}, s => {
      const text = h("textarea", {rows: 2, "aria-label": t("own_words"), value: s.text, hidden: true, maxlength: 2000, oninput: ready});
      fields.set(s.id, text);
      return h("div", {class: "decision"}, h("div", {role: "radiogroup", "aria-label": s.text}, ["accept", "edit", "strike"].map(d =>
        h("label", {class: d}, h("input", {type: "radio", name: "d" + s.id, value: d, onchange: e => {
          decisions.set(s.id, d);
          text.hidden = d !== "edit";
          e.target.closest(".statement").dataset.decision = d;
          if (d === "edit") text.focus();
          ready();
        }}), t(d)))), text);
    });
    async function keep(signed) {
      const statements = [...decisions].map(([id, decision]) => ({id, decision, ...(decision === "edit" ? {text: fields.get(id).value.trim()} : {})}))
        .filter(d => d.decision !== "edit" || d.text);
      sign.disabled = save.disabled = true;
      try {
        await send("/v1/reviews", {...subject, statements, signed});
        result.replaceChildren(h("p", {class: "done"}, t(signed ? "signed" : "kept") + " ✓"));
        fill(earlier, () => get("/v1/reviews", subject), history);
      } catch (error) { result.replaceChildren(failed(error)); }
      ready();
    }
    const rest = h("button", {class: "quiet", onclick: () => made.list.querySelectorAll(".statement:not([data-decision]) input[value=accept]").forEach(i => i.click())}, t("accept_rest"));
    ready();
    return report.statements.length ? [...made.parts, h("div", {class: "tools sign"}, rest, count, save, sign), h("p", {class: "quiet"}, t("sign_help")), result]
      : [empty(t("no_statements")), ...made.parts];
  });
  return [h("h1", {class: "unseen"}, t("decide")), h("div", {class: "reading"}, sheet.element, h("div", {class: "panels"}, words, past))];
}

const history = ({items}) => items.length ? h("ol", {class: "history"}, items.map(one => h("li", {},
  h("span", {class: "tag " + one.decision}, t(one.decision)), " ", one.decision === "strike" ? h("s", {}, one.said) : one.text || one.said,
  h("span", {class: "quiet"}, ` ${t(one.signed ? "signed" : "kept")} ${one.author}${one.time ? ", " + date(one.time) : ""}`)))) : h("p", {class: "quiet"}, t("no_past"));
