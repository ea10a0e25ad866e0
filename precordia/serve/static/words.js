// Every word of the page, English and German; reports stay in the language of the archive.
import {inGerman} from "./german.js";

const WORDS = {
  find: ["Find", "Finden"], read: ["Read", "Lesen"], compare: ["Compare", "Vergleichen"], decide: ["Decide", "Entscheiden"],
  ask: ["Ask", "Fragen"], archive: ["Archive", "Archiv"], events: ["Events", "Ereignisse"], views: ["Views", "Ansichten"], skip: ["Skip to the content", "Zum Inhalt springen"],
  language: ["Language", "Sprache"], dark: ["Dark", "Dunkel"], light: ["Light", "Hell"], token: ["Token", "Token"],
  token_help: ["The access token that you were given. It is not kept in this browser, only that you are signed in.", "Der Zugangs-Token, den Sie erhalten haben. Er bleibt nicht in diesem Browser, nur dass Sie angemeldet sind."],
  sign_in: ["Sign in", "Anmelden"], sign_out: ["Sign out", "Abmelden"], signed_in: ["Signed in as", "Angemeldet als"], sign_in_issuer: ["Sign in with your hospital account", "Mit dem Klinik-Konto anmelden"], or_token: ["or by a token:", "oder mit einem Token:"],
  wrong_token: ["This token is not known. Check that it is whole, or ask for a new one.", "Dieser Token ist nicht bekannt. Bitte prüfen, ob er vollständig ist, oder einen neuen anfordern."], not_let_in: ["Your account has no access to this service yet. Ask whoever runs it.", "Ihr Konto hat noch keinen Zugang zu diesem Dienst. Bitte wenden Sie sich an den Betreiber."],
  role_read: ["reads", "liest"], role_write: ["reviews", "befundet"], role_admin: ["administers", "verwaltet"],
  foot: ["A draft for a clinician to check. Not a medical device.", "Ein Entwurf zur ärztlichen Prüfung. Kein Medizinprodukt."],
  loading: ["Working …", "Wird geladen …"], again: ["Try again", "Erneut versuchen"], failed: ["This did not work", "Das hat nicht geklappt"],
  offline: ["The service cannot be reached", "Der Dienst ist nicht erreichbar"],
  offline_help: ["Check the connection, and that precordia serve is running. What you typed is kept.", "Bitte Verbindung prüfen, und ob precordia serve läuft. Ihre Eingaben bleiben erhalten."],
  needs_token: ["You are not signed in", "Sie sind nicht angemeldet"], needs_token_help: ["Sign in, then try again. What you typed is kept.", "Bitte anmelden und erneut versuchen. Ihre Eingaben bleiben erhalten."],
  not_allowed: ["Your role does not allow this", "Ihre Rolle erlaubt das nicht"], not_there: ["Not there", "Nicht vorhanden"], busy: ["The service is busy", "Der Dienst ist ausgelastet"],
  box: ["Findings, numbers, people, times; or drop an ECG here", "Befunde, Zahlen, Personen, Zeiten; oder ein EKG hierher ziehen"],
  search: ["Search", "Suchen"], choose: ["Choose an ECG file", "EKG-Datei wählen"], drop: ["Drop the ECG file", "EKG-Datei loslassen"], remove: ["Remove", "Entfernen"],
  understood: ["Understood", "Verstanden"], not_understood: ["Not understood", "Nicht verstanden"], filters: ["Filters", "Filter"],
  finding: ["Finding", "Befund"], sex: ["Sex", "Geschlecht"], age: ["Age", "Alter"], year: ["Year", "Jahr"], device: ["Device", "Gerät"], shown_cases: ["shown", "gezeigt"], quality: ["Quality", "Qualität"],
  female: ["female", "weiblich"], male: ["male", "männlich"], good: ["good", "gut"], fair: ["fair", "mittel"], poor: ["poor", "schlecht"],
  nothing: ["No case matches", "Kein Fall passt"], nothing_help: ["Remove a chip or a filter, or search in other words.", "Entfernen Sie einen Begriff oder Filter, oder suchen Sie mit anderen Worten."],
  no_cases: ["This knowledge base is empty", "Diese Wissensbasis ist leer"], no_cases_help: ["Fill it with precordia build.", "Füllen Sie sie mit precordia build."],
  newest: ["Newest first", "Neueste zuerst"], results: ["Results", "Treffer"], cases: ["cases", "Fälle"], all_shown: ["All are shown", "Alle werden gezeigt"],
  save: ["Save this search", "Suche merken"], saved: ["Saved searches", "Gemerkte Suchen"], none_saved: ["none yet", "noch keine"], csv: ["Cohort as CSV", "Kohorte als CSV"],
  similarity: ["similarity", "Ähnlichkeit"], rank: ["score", "Wert"], shared: ["shares", "gemeinsam"], years: ["y", "J."], no_report: ["no report", "kein Befundtext"],
  signal: ["signal", "Signal"], words: ["words", "Worte"], findings: ["findings", "Befunde"], meaning: ["meaning", "Bedeutung"], order: ["order", "Reihenfolge"],
  open_ecg: ["Open this ECG", "Dieses EKG öffnen"], use_similar: ["Find similar", "Ähnliche finden"],
  no_ecg: ["No ECG is open", "Kein EKG geöffnet"], no_ecg_help: ["Choose a case in Find, or drop a file anywhere on this page.", "Wählen Sie in „Finden“ einen Fall, oder ziehen Sie eine Datei auf diese Seite."],
  speed: ["Speed", "Vorschub"], gain: ["Gain", "Verstärkung"], layout: ["Layout", "Anordnung"], filter: ["Filter", "Filter"], zoom: ["Zoom", "Zoom"], calipers: ["Calipers", "Zirkel"], march: ["March out", "Fortsetzen"],
  as_recorded: ["as recorded", "wie aufgezeichnet"], paper: ["ECG on paper", "EKG auf Papier"], strip: ["Rhythm strip: choose a stretch", "Rhythmusstreifen: Abschnitt wählen"],
  caliper_help: ["Drag to measure. Arrow keys move the second point, with Shift the first; Escape removes.", "Zum Messen ziehen. Pfeiltasten bewegen den zweiten Punkt, mit Umschalt den ersten; Escape entfernt."],
  fit: ["to the width", "auf Breite"], at_true: ["true scale at 100 %", "bei 100 % maßstäblich"], measurements: ["Measurements", "Messwerte"], statements: ["Statements", "Aussagen"], average: ["Average beats", "Mittlere Schläge"],
  lead: ["Lead", "Ableitung"], precedents: ["Precedents", "Präzedenzfälle"], overlay: ["Laid over", "Überlagert mit"], this_ecg: ["this ECG", "dieses EKG"], differs: ["differs", "weicht ab"], no_overlay: ["alone", "allein"],
  same: ["No lead differs markedly", "Keine Ableitung weicht deutlich ab"], not_sure: ["Not sure", "Unsicher"], consider: ["To consider", "Zu bedenken"], support: ["support", "Stütze"], measured: ["measured", "gemessen"],
  little_trust: ["little confidence", "wenig sicher"], print: ["Report page", "Befundseite"], quality_is: ["Signal quality", "Signalqualität"],
  heart_rate_bpm: ["Rate", "Frequenz"], rr_ms: ["RR", "RR"], p_ms: ["P", "P"], pr_ms: ["PR", "PQ"], qrs_ms: ["QRS", "QRS"], qt_ms: ["QT", "QT"], qtc_ms: ["QTc Bazett", "QTc Bazett"],
  qtc_fridericia_ms: ["QTc Fridericia", "QTc Fridericia"], axis_deg: ["Axis", "Lagetyp-Winkel"], p_axis_deg: ["P axis", "P-Achse"], t_axis_deg: ["T axis", "T-Achse"],
  qrs_active_ms: ["QRS, fast change", "QRS, schnelle Änderung"], rr_sd_ms: ["RR variation", "RR-Streuung"], rr_usual_sd_ms: ["RR variation", "RR-Streuung"], rr_min_ms: ["shortest RR", "kürzestes RR"], rr_max_ms: ["longest RR", "längstes RR"],
  st_j_mv: ["ST at J", "ST bei J"], st_j60_mv: ["ST at J+60", "ST bei J+60"], st_j80_mv: ["ST at J+80", "ST bei J+80"], r_mv: ["R", "R"], s_mv: ["S", "S"], q_mv: ["Q", "Q"], t_mv: ["T", "T"], n_beats: ["Beats", "Schläge"],
  timeline: ["The patient through time", "Verlauf des Patienten"], one_only: ["This is the patient's only ECG in the archive", "Das ist das einzige EKG dieses Patienten im Archiv"],
  one_only_help: ["Choose any other case to compare with below.", "Wählen Sie unten einen anderen Fall zum Vergleich."], is_new: ["new", "neu"], gone: ["gone", "nicht mehr"], against: ["Compare with", "Vergleichen mit"],
  case_id: ["case id", "Fall-Nr."], verdict: ["Verdict", "Urteil"], changes: ["Changes", "Änderungen"], before: ["before", "vorher"], after: ["after", "nachher"], earlier: ["earlier", "früher"], later: ["later", "später"], superimposed: ["Superimposed", "Übereinander"],
  archive_only: ["Comparison needs a case of the archive", "Der Vergleich braucht einen Fall des Archivs"], date: ["Date", "Datum"],
  accept: ["Accept", "Annehmen"], edit: ["Edit", "Ändern"], strike: ["Strike", "Streichen"], own_words: ["In your words", "In Ihren Worten"], sign: ["Sign", "Unterschreiben"], keep: ["Keep, unsigned", "Merken, nicht unterschrieben"],
  decided: ["decided", "entschieden"], signed: ["Signed by", "Unterschrieben von"], kept: ["Kept by", "Gemerkt von"], sign_help: ["Signing needs a decision on each statement.", "Vor der Unterschrift ist jede Aussage zu entscheiden."], past: ["Earlier decisions", "Frühere Entscheidungen"], no_past: ["none", "keine"],
  no_statements: ["Precordia makes no statement about this ECG", "Precordia macht zu diesem EKG keine Aussage"], accept_rest: ["Accept the rest", "Übrige annehmen"],
  question: ["Your question", "Ihre Frage"], send: ["Send", "Senden"], ask_hint: ["Ask about this ECG or the archive: “Is there a bundle branch block?”, “Show similar cases”.", "Fragen Sie zu diesem EKG oder zum Archiv: „Liegt ein Schenkelblock vor?“, „Zeige ähnliche Fälle“."], you: ["You", "Sie"], evidence: ["Evidence", "Belege"], stop: ["Stop", "Anhalten"],
  n_cases: ["Cases", "Fälle"], n_patients: ["Patients", "Patienten"], over_time: ["Cases over time", "Fälle im Verlauf"], rejects: ["Not taken in", "Nicht aufgenommen"], no_rejects: ["Everything was taken in.", "Alles wurde aufgenommen."], reason: ["Reason", "Grund"], number: ["Number", "Anzahl"],
  drift: ["Drift", "Drift"], drift_help: ["How far each year's ECGs lie from the archive's middle, as the encoder sees them (0: not at all).", "Wie weit die EKGs eines Jahres von der Mitte des Archivs liegen, wie der Encoder sie sieht (0: gar nicht)."],
  drift_trained: ["Drift from training", "Abstand vom Gelernten"], drift_trained_help: ["How far they lie from the ECGs that the encoder learned from.", "Wie weit sie von den EKGs liegen, an denen der Encoder gelernt hat."],
  promise: ["Promise", "Zusage"], holds: ["holds", "gilt"], holds_not: ["not given", "nicht gegeben"], service: ["Service", "Dienst"], version: ["Version", "Version"], encoder: ["Encoder", "Encoder"], formats: ["Formats", "Formate"], model: ["Language model", "Sprachmodell"], none: ["none", "keines"], role: ["Your role", "Ihre Rolle"], jobs: ["Jobs", "Aufträge"], no_jobs: ["Nothing was built, fitted or checked yet.", "Noch wurde nichts eingelesen, angepasst oder geprüft."],
  build: ["Build", "Einlesen"], refit: ["Fit anew", "Neu anpassen"], check: ["Check", "Prüfen"], begin: ["Start", "Starten"], begun: ["started", "begonnen"], by: ["by", "von"],
  running: ["running", "läuft"], done: ["done", "fertig"], stopped: ["stopped", "angehalten"], lost: ["ended without saying how", "ohne Meldung beendet"], job_failed: ["failed", "fehlgeschlagen"], from_archive: ["from", "aus"],
  building: ["building", "liest ein"], fitting: ["fitting", "passt an"], checking: ["checking", "prüft"], shard: ["parts", "Teile"], stopping: ["stopping", "hält an"], stopped_help: ["What it had finished is kept. Started again, a build goes on from there.", "Was fertig war, bleibt erhalten. Erneut gestartet, geht das Einlesen dort weiter."], lost_help: ["It was killed, or the machine was restarted. Start it again: a build goes on where it stopped.", "Er wurde beendet, oder der Rechner neu gestartet. Bitte erneut starten: Das Einlesen geht dort weiter, wo es aufhörte."],
  event: ["Event", "Ereignis"], all_events: ["all events", "alle Ereignisse"], event_AF: ["atrial fibrillation", "Vorhofflimmern"], event_VT: ["run of ventricular beats", "ventrikuläre Salve"], event_SVT: ["run of supraventricular beats", "supraventrikuläre Salve"], event_pause: ["pause", "Pause"],
  event_brady: ["slow rate", "langsame Frequenz"], event_tachy: ["fast rate", "schnelle Frequenz"], event_V: ["ventricular ectopic beats", "ventrikuläre Extrasystolen"], event_S: ["supraventricular ectopic beats", "supraventrikuläre Extrasystolen"],
  course: ["The whole recording", "Die ganze Aufzeichnung"], course_help: ["Click a place to see it on the paper.", "Klicken Sie auf eine Stelle, um sie auf dem Papier zu sehen."], length: ["Length", "Dauer"], longest: ["longest", "längste"], paced: ["Started by a pacemaker", "Vom Schrittmacher ausgelöst"], lost_time: ["Without a usable signal", "Ohne brauchbares Signal"], of_beats: ["of all beats", "aller Schläge"], of_time: ["of the time", "der Zeit"],
  no_events: ["No such event was found", "Kein solches Ereignis gefunden"], beats: ["beats", "Schläge"], most_there: ["most of them", "die meisten davon"], like_here: ["Find what is like the paper", "Ähnliche Stellen suchen"], like: ["Places like", "Stellen ähnlich wie"], shorter_ones: ["shorter ones", "kürzere"], go_to: ["Go to", "Gehe zu"],
  draw_leads: ["Draw the leads that were not recorded", "Nicht aufgezeichnete Ableitungen zeichnen"], draw_ecg: ["Draw a synthetic ECG", "Synthetisches EKG zeichnen"], pulse: ["Pulse", "Puls"], rate_bpm: ["rate, /min", "Frequenz, /min"], sdnn_ms: ["SDNN, ms", "SDNN, ms"], rmssd_ms: ["RMSSD, ms", "RMSSD, ms"], channel: ["channel", "Kanal"], duration_s: ["length, s", "Dauer, s"], blood_pressure: ["Blood pressure", "Blutdruck"], not_measured: ["not measured", "nicht gemessen"],
  transit: ["Transit time", "Laufzeit"], systolic_mmhg: ["systolic, mmHg", "systolisch, mmHg"], channels: ["Channels", "Kanäle"], cycle_ms: ["cycle, ms", "Zykluslänge, ms"], irregularity: ["irregularity", "Unregelmäßigkeit"], site: ["site", "Ort"], note: ["Note", "Hinweis"], model_learned_from: ["learned from", "gelernt von"],
  writing: ["Writing …", "Schreibt …"], leads: ["leads", "Ableitungen"], ready: ["ready", "bereit"], share: ["share", "Anteil"], more: ["More", "Mehr"],
};

let at = (localStorage.getItem("language") || navigator.language).startsWith("de") ? 1 : 0;
export const t = key => WORDS[key] ? WORDS[key][at] : key;
// A finding's name, or a chip, as the service gives it.
export const named = text => WORDS[text] ? WORDS[text][at] : at ? inGerman(text) : text;
export const language = () => at ? "de" : "en";
export function setLanguage(name) {
  at = name === "de" ? 1 : 0;
  localStorage.setItem("language", name);
  document.documentElement.lang = name;
}
const SHOWN = ["heart_rate_bpm", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "qtc_fridericia_ms", "axis_deg", "p_axis_deg", "t_axis_deg"];
export const MEASUREMENTS = SHOWN;
export const unit = name => name.endsWith("_bpm") ? "/min" : name.endsWith("_ms") ? "ms" : name.endsWith("_deg") ? "°" : name.endsWith("_mv") ? "mV" : "";
// A place in a recording, hours, minutes and seconds from its beginning.
export const clock = (s, digits = 0) => {
  const tenths = Math.round(s * 10 ** digits), seconds = tenths / 10 ** digits;
  return `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}:${(seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
};
// Nothing is shown as "-0".
export const number = (value, digits = 0) => value === null || value === undefined ? "–" : (Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).toLocaleString(language(), {maximumFractionDigits: digits});
export const date = iso => iso ? new Date(iso).toLocaleDateString(language(), {year: "numeric", month: "short", day: "numeric"}) : "–";
