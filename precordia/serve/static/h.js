// Elements made of data: text is always text, never markup.

// Control, formatting and private characters are written out, as precordia.core.display does.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;
export const shown = text => String(text).replace(HIDDEN, c => c === "\n" ? " " : `\\u{${c.codePointAt(0).toString(16)}}`);

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : shown(child));
  }
  return element;
}

export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
export const svg = (tag, properties, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);

export function choice(label, value, options, onchange) {
  const select = h("select", {onchange: () => onchange(select.value)},
    options.map(([v, name]) => h("option", {value: v, selected: String(v) === String(value)}, name)));
  return h("label", {class: "choice"}, h("span", {}, label), select);
}
