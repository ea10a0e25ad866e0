// Find: one box, what was understood, facets, and cards.
import {download, get, post, small} from "./api.js";
import {endless} from "./endless.js";
import {h} from "./h.js";
import {trace} from "./paper.js";
import {chooser, empty, failed, limits} from "./states.js";
import {clock, date, MEASUREMENTS, named, number, t, unit} from "./words.js";

const PAGE = 12;
const quoted = value => "'" + value.replaceAll("'", "''") + "'";
// How a facet's value is said as a condition.
const CONDITION = {
  finding: v => `array_contains(findings, ${quoted(v)})`,
  sex: v => `sex = ${quoted(v)}`,
  age: v => `age >= ${Number(v)} AND age < ${Number(v) + 10}`,
  year: v => `year(time) = ${Number(v)}`,
  device: v => `device = ${quoted(v)}`,
  quality: v => ({good: "quality_score >= 0.9", fair: "quality_score >= 0.7 AND quality_score < 0.9", poor: "quality_score < 0.7"})[v],
};
let file = null;  // stays over a change of view
const places = new Map();  // how far down one was, by address: who comes back goes on there
const searches = {
  all: () => JSON.parse(localStorage.getItem("searches") || "[]"),
  keep: list => localStorage.setItem("searches", JSON.stringify(list)),
};

export function find(context, _, query) {
  const text = query.get("text") || "", picked = query.getAll("pick");
  const where = picked.map(p => { const at = p.indexOf(":"); return `(${CONDITION[p.slice(0, at)](p.slice(at + 1))})`; }).join(" AND ");
  const turn = new AbortController();
  const go = (words, picks) => {
    const next = new URLSearchParams(words ? {text: words} : {});
    picks.forEach(p => next.append("pick", p));
    const hash = "#find" + (next.size ? "?" + next : "");
    turn.abort();
    if (location.hash === hash || (!next.size && !location.hash)) context.go("find"); else location.hash = hash;
    if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange"));
  };
  const input = h("input", {type: "search", id: "words", value: text, placeholder: t("box"), "aria-label": t("box"), autocomplete: "off"});
  const form = h("form", {class: "box", role: "search", onsubmit: e => { e.preventDefault(); go(input.value.trim(), picked); }},
    input, file && h("span", {class: "chip file"}, file.name,
      h("button", {type: "button", "aria-label": `${t("remove")} ${file.name}`, onclick: () => { file = null; go(text, picked); }}, "×")),
    file && h("button", {type: "button", class: "quiet", onclick: () => context.openFile(file)}, t("read")),
    chooser(one => { file = one; go(input.value.trim(), picked); }), h("button", {class: "main"}, t("search")));
  // Anywhere on the page; not where another drawing of this view has taken its place.
  addEventListener("drop", e => { if (form.isConnected && e.dataTransfer.files[0]) { file = e.dataTransfer.files[0]; go(input.value.trim(), picked); } }, {signal: turn.signal});
  const chips = h("div", {class: "chips"}), facets = h("aside", {class: "facets", "aria-label": t("filters")});
  const trouble = h("div", {class: "trouble"}), total = h("span", {role: "status"}), span = h("span", {class: "quiet"}), count = h("p", {class: "count"}, total, span);
  const tools = h("div", {class: "tools"}, count,
    h("button", {class: "quiet", onclick: () => { searches.keep([{text, picked}, ...searches.all()].slice(0, 20)); saved.replaceWith(saved = savedList(go)); context.say(t("saved")); }}, t("save")),
    h("button", {class: "quiet", onclick: () => download("/v1/export", {where, text}, "cases.csv").catch(e => trouble.replaceChildren(failed(e)))}, t("csv")));
  let saved = savedList(go);
  const ranked = Boolean(text || file), cursors = [null];

  // A ranked list is come by page after page; how long it is shows when its end is met.
  async function hits(page, signal) {
    if (page >= cursors.length) await hits(page - 1, signal);
    const answer = await post("/v1/search", {text, where, k: PAGE, cursor: cursors[page], facets: page === 0, filename: file && file.name}, file || undefined, signal);
    if (answer.next) cursors[page + 1] = answer.next;
    const known = page * PAGE + answer.hits.length;
    most = Math.max(most, known);
    ended = ended || !answer.next;
    return {...answer, items: answer.hits, total: most + (ended ? 0 : PAGE), told: `${number(most)}${ended ? "" : "+"} ${t("results")}`};
  }
  async function newest(page, signal) {
    const answer = await get("/v1/cases", {where, at: page * PAGE, limit: PAGE, facets: page === 0}, signal);
    return {...answer, told: `${number(answer.total)} ${t("cases")} · ${t("newest")}`};
  }
  let most = 0, ended = false, place = 0;
  const here = location.hash;
  const list = endless({size: PAGE, from: places.get(here) || 0, ranked, make: item => card(context, item),
    load: async (page, signal) => {
      const answer = await (ranked ? hits : newest)(page, signal);
      if (total.textContent !== answer.told) total.textContent = answer.told;
      if (answer.understood) chips.replaceChildren(...[limits(answer.signal), file && answer.signal && answer.signal.kind === "long" && h("button", {class: "quiet", onclick: () => context.openFile(file, "events")}, t("events")), ...understood(answer.understood, text, picked, go)].filter(Boolean));
      if (answer.facets) drawFacets(answer.facets);
      return answer;
    },
    moved: (from, to) => { place = from; span.textContent = to && total.textContent ? ` · ${number(from + 1)}–${number(to)}` : ""; },
    failed: (error, again) => trouble.replaceChildren(...(error ? [failed(error, again)] : [])),
    none: () => trouble.replaceChildren(ranked || where ? empty(t("nothing"), t("nothing_help")) : empty(t("no_cases"), t("no_cases_help")))});

  function drawFacets(groups) {
    const pick = (key, name, on, n) => h("button", {class: "facet", "aria-pressed": String(on),
      onclick: () => go(text, on ? picked.filter(p => p !== key) : [...picked, key])}, h("span", {}, name), n === undefined ? h("span", {"aria-hidden": "true"}, "×") : h("span", {class: "n"}, number(n)));
    facets.replaceChildren(h("h2", {}, t("filters")),
      ...picked.map(p => pick(p, nameOf(groups, p), true)),
      ...Object.keys(CONDITION).filter(name => groups[name] && groups[name].length).map(name =>
        h("details", {open: ["finding", "sex"].includes(name)}, h("summary", {}, t(name)),
          groups[name].slice(0, 14).map(one => pick(`${name}:${one.value}`, named(one.name), picked.includes(`${name}:${one.value}`), one.count)))));
  }

  addEventListener("hashchange", () => { if (location.hash === here) places.delete(here); else places.set(here, place); list.close(); turn.abort(); }, {once: true});
  return [h("h1", {class: "unseen"}, t("find")), form, chips, h("div", {class: "columns"}, h("div", {class: "side"}, facets, saved), h("section", {"aria-label": t("results")}, tools, trouble, list.element))];
}

const nameOf = (groups, key) => {
  const at = key.indexOf(":"), one = (groups[key.slice(0, at)] || []).find(o => o.value === key.slice(at + 1));
  return `${t(key.slice(0, at))}: ${one ? named(one.name) : key.slice(at + 1)}`;
};

function understood(told, text, picked, go) {
  const rest = told.chips;
  return [
    ...(rest.length ? [h("span", {class: "label"}, t("understood"))] : []),
    ...rest.map((chip, i) => h("span", {class: "chip"}, named(chip), h("button", {"aria-label": `${t("remove")} ${named(chip)}`, onclick: () => go(rest.filter((_, j) => j !== i).join(", "), picked)}, "×"))),
    ...(told.not_understood.length ? [h("span", {class: "label"}, t("not_understood")), ...told.not_understood.map(word => h("span", {class: "chip doubt"}, word))] : []),
  ];
}

function savedList(go) {
  const all = searches.all();
  return h("section", {class: "saved"}, h("h2", {}, t("saved")), all.length ? h("ul", {}, all.map((one, i) => h("li", {},
    h("button", {class: "link", onclick: () => go(one.text, one.picked)}, [one.text, ...one.picked.map(p => p.split(":")[1])].filter(Boolean).join(", ") || t("newest")),
    h("button", {class: "link", "aria-label": `${t("remove")} ${one.text}`, onclick: e => { searches.keep(all.filter((_, j) => j !== i)); e.target.closest("section").replaceWith(savedList(go)); }}, "×")))) : h("p", {class: "quiet"}, t("none_saved")));
}

// Where a window lies in its long recording, and what was found there.
function place(item) {
  if (!item.window) return "";
  return ` ${clock(item.window.start_s)}–${clock(item.window.end_s)}${item.window.events.map(e => ` · ${t(`event_${e}`)}`).join("")}`;
}

function card(context, item) {
  const canvas = h("canvas", {class: "small", role: "img", "aria-label": `II, 3.5 s, ${item.recording_id}`});
  const away = new AbortController();
  small(item.case_id, away.signal).then(s => { if (canvas.isConnected) trace(canvas, s); }).catch(error => { if (error.name !== "AbortError") canvas.setAttribute("aria-label", t("not_there")); });
  const m = item.metadata, by = item.why && Object.entries(item.why.scores).map(([k, v]) => `${t(k)} ${number(v, 2)}`).join(", ");
  const values = MEASUREMENTS.filter(k => ["heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg"].includes(k));
  const shares = item.why && item.why.shared_findings.length ? ` · ${t("shared")} ${item.why.shared_findings.join(", ")}` : "";
  const made = h("li", {class: "card"},
    h("a", {href: `#read/${item.case_id}`, class: "trace", "aria-label": `${t("open_ecg")}: ${item.recording_id}`}, canvas),
    h("div", {class: "told"},
      h("p", {class: "who"}, h("strong", {}, item.recording_id), place(item), ` ${date(m.time)} · ${m.sex ? t(m.sex === "F" ? "female" : "male") : "–"}${m.age === null || m.age === undefined ? "" : ", " + number(m.age) + " " + t("years")}`,
        item.findings.map(f => h("span", {class: "tag"}, f))),
      h("p", {class: "report"}, item.report || t("no_report")),
      h("p", {class: "numbers"}, values.map(k => h("span", {}, `${t(k)} ${number(item.measurements[k])} ${item.measurements[k] === null ? "" : unit(k)}`))),
      by && h("p", {class: "why"}, `${by}${shares}`, item.why.scores.signal !== undefined && h("meter", {min: 0, max: 1, value: Math.max(0, item.why.scores.signal), "aria-label": t("similarity")}))));
  made.leave = () => away.abort();  // what is not waited for keeps nothing else waiting
  return made;
}
