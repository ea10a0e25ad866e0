// Events: a long recording through its hours, what happened when, and what is like it.
import {about, events as fetchEvents} from "./api.js";
import {board} from "./board.js";
import {choice, h, svg} from "./h.js";
import {chooser, fill, limits} from "./states.js";
import {clock, number, t} from "./words.js";

const KINDS = ["AF", "VT", "SVT", "pause", "brady", "tachy", "V", "S"], SINGLE = ["V", "S"];
const SHOWN_S = 10, MOST = 50;  // what the paper shows; events of a kind that are listed, the longest ones
const named = kind => t(`event_${kind}`), range = one => `${clock(one.start_s)}–${clock(one.end_s)}`;

export function events(context, ecg, query) {
  const id = ecg.file ? "file" : ecg.case;
  let told = null, kind = query.get("event") || "all", at = Number(query.get("at")) || 0;
  const sheet = board(ecg, {from: at, marks: start => told ? told.signal.events.map(one => ({from: one.start_s - start, to: one.end_s - start})).filter(one => one.to > 0 && one.from < SHOWN_S) : []});
  const course = h("section", {class: "panel"}, h("h2", {}, t("course"))), facts = h("section", {class: "panel"}), list = h("section", {class: "panel"}), near = h("section", {class: "panel", hidden: true});
  const overview = h("div", {}), found = h("div", {"aria-live": "polite"}), like = h("div", {"aria-live": "polite"});
  // The address says what one looks at, so that a link shows another person the same.
  const keep = () => history.replaceState(null, "", `#events/${id}?${new URLSearchParams({event: kind, at: at.toFixed(1)})}`);
  function go(from, what) {
    const most = told ? Math.max(0, told.signal.duration_s - SHOWN_S) : Infinity;
    at = Math.min(Math.max(0, from), most);
    sheet.go(at);
    keep();
    draw();
    sheet.element.scrollIntoView({block: "nearest"});
    context.say(`${what ? what + ", " : ""}${clock(at, 1)}`);
  }
  // The middle of what fits on the paper, and of what does not the beginning with a second before it.
  const show = one => go(one.end_s - one.start_s < SHOWN_S ? (one.start_s + one.end_s - SHOWN_S) / 2 : one.start_s - 1, named(one.kind));
  const draw = () => overview.replaceChildren(told ? courseOf(told.signal, at, go) : "");
  const pick = choice(t("event"), kind, [["all", t("all_events")], ...KINDS.map(k => [k, named(k)])], value => { kind = value; keep(); listed(); });
  const listed = () => found.replaceChildren(...listOf(told, kind, show));

  const alike = h("button", {onclick: () => {
    near.hidden = false;
    const place = {start_s: sheet.start(), end_s: sheet.start() + SHOWN_S};
    fill(like, () => about("/v1/search/events", ecg, {event: `${place.start_s}-${place.end_s}`, k: 8}), ({windows}) => [
      h("p", {class: "quiet"}, `${t("like")} ${range(place)}`),
      h("ol", {class: "precedents"}, windows.map(one => h("li", {}, h("button", {class: "link", onclick: () => go(one.start_s)}, range(one)), ` ${number(one.score, 2)}`)))]);
  }}, t("like_here"));
  const wait = h("div", {});
  near.append(h("h2", {}, t("similarity")), like);
  course.append(wait, overview, h("p", {class: "quiet"}, t("course_help")), h("div", {class: "tools"}, pick, alike));
  fill(wait, () => fetchEvents(ecg), answer => {
    told = answer;
    facts.replaceChildren(h("h2", {}, t("measurements")), limits(told.signal), factsOf(told.signal));
    list.replaceChildren(h("h2", {}, t("events")), found);
    listed();
    sheet.draw();
    draw();
    return [];
  });
  return [h("h1", {class: "unseen"}, t("events")), h("div", {class: "tools"}, h("span", {class: "count"}), chooser(file => context.openFile(file, "events"))),
    h("div", {class: "reading"}, h("div", {class: "desk"}, course, sheet.element), h("div", {class: "panels"}, facts, near, list))];
}

// What a Holter's report begins with.
function factsOf(signal) {
  const lasted = kind => signal.events.filter(one => one.kind === kind), time = kind => lasted(kind).reduce((sum, one) => sum + one.end_s - one.start_s, 0);
  const share = s => `${number(100 * s / signal.duration_s, 1)} % ${t("of_time")}`, rates = signal.rates_bpm, pauses = lasted("pause");
  const rows = [
    [t("length"), clock(signal.duration_s)],
    [t("n_beats"), number(signal.n_beats)],
    [t("heart_rate_bpm"), rates && `${number(rates.mean)} (${number(rates.lowest)}–${number(rates.highest)}) /min`],
    [named("AF"), lasted("AF").length && `${clock(time("AF"))}, ${share(time("AF"))}`],
    ...SINGLE.map(kind => [named(kind), `${number(100 * signal.burden[kind], 2)} % ${t("of_beats")}`]),
    [t("paced"), signal.paced > 0 && `${number(100 * signal.paced, 1)} % ${t("of_beats")}`],
    [named("pause"), pauses.length && `${number(pauses.length)}, ${t("longest")} ${number(Math.max(...pauses.map(one => one.end_s - one.start_s)), 1)} s`],
    [t("lost_time"), signal.lost_s > 0 && `${clock(signal.lost_s)}, ${share(signal.lost_s)}`]];
  return h("table", {class: "numbers facts-of"}, h("tbody", {}, rows.map(([name, value]) => h("tr", {}, h("th", {scope: "row"}, name), h("td", {}, value || t("none"))))));
}

// Every kind with its events in order of time; of single beats the strips that have most of them.
function listOf(told, kind, show) {
  const strips = told.events, groups = KINDS.filter(k => kind === "all" || k === kind).map(k => {
    const all = SINGLE.includes(k) ? strips.filter(one => one.kind === k) : told.signal.events.filter(one => one.kind === k);
    const longest = [...all].sort((a, b) => b.end_s - b.start_s - (a.end_s - a.start_s)).slice(0, MOST).sort((a, b) => a.start_s - b.start_s);
    return all.length > 0 && h("details", {open: true, class: "kind"}, h("summary", {}, `${named(k)} (${SINGLE.includes(k) ? t("most_there") : number(all.length)})`),
      h("ol", {class: "precedents"}, longest.map(one => item(one, strips, show))), all.length > MOST && h("p", {class: "quiet"}, `+ ${number(all.length - MOST)} ${t("shorter_ones")}`));
  }).filter(Boolean);
  return groups.length ? groups : [h("p", {}, t("no_events"))];
}

function item(one, strips, show) {
  const strip = strips.find(other => other.kind === one.kind && other.start_s === one.start_s), hits = strip ? strip.hits : [];
  const told = one.kind === "pause" ? `${number(one.end_s - one.start_s, 1)} s` : `${number(one.n_beats)} ${t("beats")}${one.rate_bpm ? `, ${number(one.rate_bpm)} /min` : ""}`;
  return h("li", {}, h("button", {class: "link", "aria-label": `${t("go_to")} ${named(one.kind)}, ${range(one)}`, onclick: () => show(one)}, range(one)), h("span", {class: "quiet"}, ` ${told}`),
    hits.length > 0 && h("details", {}, h("summary", {}, `${t("precedents")} (${hits.length})`),
      h("ul", {class: "precedents"}, hits.map(x => h("li", {}, h("a", {href: `#read/${x.case_id}`}, x.recording_id), ` ${number(x.score, 2)} `, h("span", {class: "report"}, x.report || t("no_report")))))));
}

// Rate, and a row for each kind of event that there is, through time; the same stands in the list and the table beside it.
function courseOf(signal, at, go) {
  const {step_s, rate_bpm} = signal.course, rows = KINDS.filter(k => SINGLE.includes(k) ? signal.course[k].some(n => n > 0) : signal.events.some(one => one.kind === k));
  const left = 190, wide = 800, top = 96, tall = 18, x = s => left + wide * s / signal.duration_s, height = top + rows.length * tall + 24;
  const known = rate_bpm.filter(v => v !== null), most = Math.max(...known, 60), least = Math.min(...known, most - 20), y = v => top - 12 - (top - 26) * (v - least) / (most - least);
  const word = (name, px, py, anchor = "start") => svg("text", {x: px, y: py, style: `text-anchor: ${anchor}`}, name);
  const bar = (k, row, from, to) => svg("rect", {class: `event ${k}`, x: x(from), y: top + row * tall + 3, width: Math.max(2, x(Math.min(to, signal.duration_s)) - x(from)), height: tall - 6}, svg("title", {}, `${named(k)}, ${clock(from)}–${clock(to)}`));
  const path = rate_bpm.map((v, i) => v === null ? "" : `${i === 0 || rate_bpm[i - 1] === null ? "M" : "L"}${x(Math.min((i + 0.5) * step_s, signal.duration_s)).toFixed(1)},${y(v).toFixed(1)}`).join("");
  const chart = svg("svg", {viewBox: `0 0 1000 ${height}`, class: "chart course-of", role: "img", "aria-label": `${t("course")}: ${t("heart_rate_bpm")} ${number(least)}–${number(most)} /min; ${rows.map(named).join(", ")}`,
    onclick: e => { const box = chart.getBoundingClientRect(), s = ((e.clientX - box.left) / box.width * 1000 - left) / wide * signal.duration_s; if (s >= 0 && s <= signal.duration_s) go(s - SHOWN_S / 2); }},
    word(`${t("heart_rate_bpm")} /min`, 0, top / 2), word(number(most), left - 8, y(most) + 4, "end"), word(number(least), left - 8, y(least) + 4, "end"),
    svg("path", {class: "line", d: path}),
    rows.map((k, row) => [svg("line", {class: "rule", x1: left, x2: left + wide, y1: top + row * tall, y2: top + row * tall}), word(named(k), 0, top + row * tall + 13),
      SINGLE.includes(k) ? signal.course[k].map((n, i) => n > 0 && bar(k, row, i * step_s, (i + 1) * step_s)) : signal.events.filter(one => one.kind === k).map(one => bar(k, row, one.start_s, one.end_s))]),
    [0, 0.25, 0.5, 0.75, 1].map(part => word(clock(part * signal.duration_s), left + part * wide, height - 6, part === 0 ? "start" : part === 1 ? "end" : "middle")),
    svg("line", {class: "here", x1: x(at + SHOWN_S / 2), x2: x(at + SHOWN_S / 2), y1: 4, y2: height - 22}));
  return chart;
}
