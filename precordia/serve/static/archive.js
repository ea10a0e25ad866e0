// Archive: what there is, what could not be used, how it drifts, and what is promised of it.
import {get} from "./api.js";
import {columns} from "./chart.js";
import {h} from "./h.js";
import {empty, fill} from "./states.js";
import {number, t} from "./words.js";

export function archive() {
  const place = h("div", {class: "archive"});
  fill(place, () => Promise.all([get("/v1/archive"), get("/v1/me"), get("/v1/rejects")]), ([all, me, rejects]) => all.n_cases === 0 ? empty(t("no_cases"), t("no_cases_help")) : [
    h("section", {class: "panel facts"}, [[t("n_cases"), number(all.n_cases)], [t("n_patients"), number(all.n_patients)], [t("encoder"), all.encoder], [t("formats"), all.formats.map(f => `${f.value} ${number(f.count)}`).join(", ")],
      [t("model"), me.language_models.join(", ") || t("none")], [t("role"), `${me.name}, ${me.role}`], [t("version"), me.version]].map(([k, v]) => h("dl", {}, h("dt", {}, k), h("dd", {}, v)))),
    h("section", {class: "panel wide"}, h("h2", {}, t("over_time")), columns(all.years, t("over_time"))),
    h("section", {class: "panel"}, h("h2", {}, t("findings")), bars(all.findings, all.n_cases, "finding")),
    h("section", {class: "panel"}, h("h2", {}, t("quality")), bars(all.quality, all.n_cases, "quality"), h("h2", {}, t("device")), bars(all.devices, all.n_cases, "device")),
    h("section", {class: "panel"}, h("h2", {}, t("promise")), h("p", {}, h("span", {class: all.promise.holds ? "tag good" : "tag doubt"}, t(all.promise.holds ? "holds" : "holds_not")), " ", all.promise.text),
      h("h2", {}, t("drift")), h("p", {class: "quiet"}, t("drift_help")), all.drift.years.length ? columns(all.drift.years, t("drift"), i => i.distance, 2) : "–"),
    h("section", {class: "panel wide"}, h("h2", {}, `${t("rejects")} (${number(rejects.total)})`), rejects.total ? [bars(all.rejects.map(r => ({name: r.reason, count: r.count})), rejects.total),
      h("ul", {class: "rejects"}, rejects.items.map(r => h("li", {}, h("strong", {}, r.recording_id || ""), " ", r.reason)))] : h("p", {class: "quiet"}, t("no_rejects")), jobs()),
  ].flat());
  return [h("h1", {class: "unseen"}, t("archive")), place];
}

// What runs: whether questions are answered, kept up to date while the view is open.
function jobs() {
  const state = h("p", {role: "status"}, "…"), element = h("section", {class: "jobs"}, h("h2", {}, t("service")), state);
  const look = () => get("/v1/ready").then(r => { state.textContent = `${t("ready")} · ${number(r.n_cases)} ${t("cases")}`; }).catch(e => { state.textContent = e.status ? t("busy") : t("offline"); });
  const timer = setInterval(() => element.isConnected ? look() : clearInterval(timer), 10000);
  look();
  return element;
}

const bars = (items, whole, facet) => h("table", {class: "bars"}, h("tbody", {}, items.slice(0, 15).map(one => h("tr", {},
  h("th", {scope: "row"}, facet ? h("a", {href: `#find?${new URLSearchParams({pick: `${facet}:${one.value}`})}`}, t(one.name)) : one.name),
  h("td", {}, h("meter", {min: 0, max: whole, value: one.count, "aria-label": `${one.name}: ${number(one.count)}`})), h("td", {class: "n"}, number(one.count))))));
