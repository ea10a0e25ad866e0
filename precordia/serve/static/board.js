// The ECG as it is read: paper with its tools, the rhythm strip of a long one, calipers, and marks from elsewhere.
import {signal as fetchSignal} from "./api.js";
import {calipers} from "./calipers.js";
import {FILTERS, filtered} from "./filters.js";
import {choice, h} from "./h.js";
import {line, paper} from "./paper.js";
import {failed, loading} from "./states.js";
import {clock, number, t} from "./words.js";

// At true scale, and on a screen that is too narrow for it as wide as there is room.
const usual = {layout: "3x4+1", cabrera: false, speed: 25, gain: 10, zoom: innerWidth < 1000 ? 0 : 1, filter: "none", calipers: true, march: false};
export const settings = {...usual, ...JSON.parse(localStorage.getItem("paper") || "{}")};

// marks(start) gives the spans that are marked wherever one goes, besides those that are marked from elsewhere.
export function board(ecg, {tapped = () => {}, small = false, name = "", from = 0, marks = () => []} = {}) {
  const canvas = h("canvas", {role: "img", "aria-label": t("paper")});
  const over = h("canvas", {class: "over", tabindex: "0", role: "application", "aria-label": `${t("calipers")}. ${t("caliper_help")}`});
  const output = h("output", {class: "readout"}), sheet = h("div", {class: "sheet", tabindex: "-1"}, canvas, over);
  const state = h("div", {}, loading()), strip = h("div", {class: "strip"});
  let drawn = null, spans = [], start = from, asked = 0;
  const tool = calipers(over, output, (time, lead) => tapped(time + start, lead));

  function draw() {
    if (!drawn) return;
    const shown = filtered(drawn, settings.filter), room = sheet.parentElement.clientWidth;
    const zoom = settings.zoom || room / paper(canvas, shown, {...settings, zoom: 1, spans: [], least: 0}).width;
    const place = paper(canvas, shown, {...settings, zoom, spans: [...marks(start), ...spans], least: room,
      note: (FILTERS[settings.filter].name || t("as_recorded")) + (drawn.recording_duration_s > 10.5 ? `   ${clock(start, 1)}` : "")});
    const leads = drawn.leads.length, seconds = number(drawn.duration_s ?? drawn.recording_duration_s, 1);
    canvas.setAttribute("aria-label", `${t("paper")}${name ? ` (${name})` : ""}: ${leads} ${t("leads")}, ${seconds} s, ${settings.speed} mm/s, ${settings.gain} mm/mV, ${FILTERS[settings.filter].name || t("as_recorded")}`);
    tool.lay(place);
    tool.set(settings.calipers, settings.march);
  }
  const set = (name, value) => { settings[name] = value; localStorage.setItem("paper", JSON.stringify(settings)); draw(); };
  const check = name => h("label", {class: "check"}, h("input", {type: "checkbox", checked: settings[name], onchange: e => set(name, e.target.checked)}), name === "cabrera" ? "Cabrera" : t(name));
  const tools = h("div", {class: "tools paper-tools"},
    choice(t("layout"), settings.layout, [["3x4+1", "3×4+1"], ["6x2", "6×2"], ["12x1", "12×1"]], v => set("layout", v)), check("cabrera"),
    choice(t("speed"), settings.speed, [[25, "25 mm/s"], [50, "50 mm/s"]], v => set("speed", Number(v))),
    choice(t("gain"), settings.gain, [[5, "5 mm/mV"], [10, "10 mm/mV"], [20, "20 mm/mV"]], v => set("gain", Number(v))),
    choice(t("filter"), settings.filter, Object.entries(FILTERS).map(([k, f]) => [k, f.name || t("as_recorded")]), v => set("filter", v)),
    choice(t("zoom"), settings.zoom, [[0, t("fit")], ...[0.75, 1, 1.5, 2, 3].map(z => [z, `${100 * z} %`])], v => set("zoom", Number(v))),
    check("calipers"), check("march"));

  async function show() {
    const turn = ++asked;
    state.replaceChildren(loading());
    try {
      const found = await fetchSignal(ecg, start);
      if (turn !== asked) return;  // one has gone on meanwhile
      drawn = found;
      state.replaceChildren();
      draw();
      if (drawn.recording_duration_s > 10.5) rhythm(drawn);
    } catch (error) { if (turn === asked) state.replaceChildren(failed(error, show)); }
  }

  // A long recording: the slider chooses the ten seconds on the paper, and their minute stands above it.
  const thin = h("canvas", {class: "thin", role: "img", "aria-label": t("strip")});
  let slider = null;
  async function rhythm({recording_duration_s: most, leads}) {
    if (!slider) {
      slider = h("input", {type: "range", min: 0, max: Math.max(1, Math.floor(most - 10)), step: 1, "aria-label": t("strip"), onchange: () => go(Number(slider.value))});
      strip.append(h("span", {class: "label"}, `${t("strip")} (${number(most)} s)`), thin, slider);
    }
    slider.value = start;
    slider.setAttribute("aria-valuetext", clock(start, 1));
    const first = Math.floor(start / 60) * 60, lead = leads.includes("II") ? "II" : leads[0], minute = await fetchSignal(ecg, first, 60);
    const css = getComputedStyle(document.documentElement), width = thin.width = strip.clientWidth, row = minute.samples[lead];
    thin.height = 48;
    const pen = thin.getContext("2d"), perSecond = width / Math.min(60, most);
    pen.fillStyle = css.getPropertyValue("--lit");
    pen.fillRect((start - first) * perSecond, 0, 10 * perSecond, 48);
    pen.strokeStyle = css.getPropertyValue("--trace");
    line(pen, row, 0, row.length, i => i / minute.fs * perSecond, v => 28 - 14 * v);
  }
  // To ten seconds from a place on.
  const go = place => { start = Math.max(0, place); return show(); };
  const element = h("div", {class: "board"}, !small && tools, strip, h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": name ? `${t("paper")}: ${name}` : t("paper")}, sheet), !small && output, state);
  show();
  return {element, mark: found => { spans = found; draw(); }, start: () => start, go, draw};
}
