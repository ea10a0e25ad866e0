// Ask: a conversation beside the ECG; each claim is tied to what it stands on.
import {about, measured, stream} from "./api.js";
import {board} from "./board.js";
import {h} from "./h.js";
import {empty, failed, limits, loading} from "./states.js";
import {spansOf, statementList} from "./statements.js";
import {named, number, t} from "./words.js";

export function ask(context, ecg) {
  const sheet = board(ecg), log = h("div", {class: "log", role: "log", "aria-live": "polite", tabindex: "0", "aria-label": t("ask")}, empty(t("question"), t("ask_hint")));
  const input = h("textarea", {rows: 2, "aria-label": t("question"), placeholder: t("question"), onkeydown: e => { if (e.key === "Enter" && !e.shiftKey) { e.preventDefault(); form.requestSubmit(); } }});
  const button = h("button", {class: "main"}, t("send"));
  const form = h("form", {class: "tools", onsubmit: e => { e.preventDefault(); if (input.value.trim() && !turn) say(input.value.trim()); }}, input, button);
  const messages = [];
  let beats = [], turn = null;
  measured(ecg).then(m => { beats = m.beats; }).catch(() => {});
  addEventListener("hashchange", () => turn && turn.abort(), {once: true});
  const pointed = {light: names => sheet.mark(spansOf(names, beats, sheet.start())), go: sheet.go};

  // An uploaded ECG has no id to chat about: its questions go to /v1/ask, one at a time.
  async function* answers() {
    if (!ecg.file) { yield* stream("/v1/chat", {messages, case: ecg.case}, turn.signal); return; }
    const draft = await about("/v1/ask", ecg, {question: messages.at(-1).content}, turn.signal);
    for (const statement of draft.statements) yield {event: "statement", data: statement};
    yield {event: "done", data: draft};
  }

  async function say(text) {
    if (!messages.length) log.replaceChildren();
    messages.push({role: "user", content: text});
    input.value = "";
    turn = new AbortController();
    const heard = h("div", {class: "chips"}), claims = h("div", {}), wait = h("div", {}, loading());
    log.append(h("div", {class: "turn mine"}, h("span", {class: "label"}, t("you")), h("p", {}, text)), h("div", {class: "turn"}, h("span", {class: "label"}, "Precordia"), heard, claims, wait));
    const statements = [];
    // What comes is added, so that a screen reader says it once.
    let made = statementList([], pointed);
    claims.replaceChildren(made.list);
    log.setAttribute("aria-busy", "true");
    try {
      for await (const {event, data} of answers()) {
        if (event === "understood") heard.replaceChildren(...data.chips.map(c => h("span", {class: "chip"}, named(c))), ...data.not_understood.map(c => h("span", {class: "chip doubt"}, c)));
        if (event === "statement") { statements.push(data); made.list.append(...statementList([data], pointed).list.children); wait.replaceChildren(loading(t("writing"))); }
        if (event === "error") wait.replaceChildren(failed({message: data.error, status: 400}));
        // What was shown while it was written gives way where the whole draft says otherwise.
        if (event === "done" && data.statements.map(s => s.id).join() !== statements.map(s => s.id).join()) {
          statements.splice(0, Infinity, ...data.statements);
          claims.replaceChildren((made = statementList(statements, pointed)).list);
        }
        if (event === "done") { wait.replaceChildren(...rest(data, statements, context)); messages.push({role: "assistant", content: data.text || data.said || data.reason || ""}); }
      }
      if (wait.querySelector("[aria-busy]")) wait.replaceChildren();
    } catch (error) { wait.replaceChildren(failed(error, () => { messages.pop(); say(text); })); }
    turn = null;
    log.setAttribute("aria-busy", "false");
    log.scrollTop = log.scrollHeight;
  }
  return [h("h1", {class: "unseen"}, t("ask")), h("div", {class: "reading"}, sheet.element, h("section", {class: "panels panel chat"}, h("h2", {}, t("ask")), log, form))];
}

function rest(data, statements) {
  const told = data.abstained ? data.reason : data.note, found = (data.hits || []).slice(0, 6);
  return [
    limits(data.signal),
    data.to_consider && data.to_consider.length > 0 && h("section", {class: "consider"}, h("h3", {}, t("consider")), data.to_consider.map(s => h("p", {}, s.text))),
    told && h("p", {class: "note"}, data.abstained && h("strong", {}, t("not_sure") + ". "), told),
    !told && !statements.length && data.said && h("p", {}, data.said),
    found.length > 0 && h("details", {open: !statements.length}, h("summary", {}, `${t("precedents")} (${found.length})`),
      h("ul", {class: "precedents"}, found.map(x => h("li", {}, h("a", {href: `#read/${x.case_id}`}, x.recording_id), ` ${number(x.score, 2)} `, h("span", {class: "report"}, x.report || t("no_report")))))),
  ].filter(Boolean);
}
