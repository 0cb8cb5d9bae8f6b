// Elements, and showing them: `h` makes one, `show` makes what is on the page like what is wanted.
//
// A page describes itself anew whenever something changes. `show` changes only what differs, so that focus, scroll
// position, open details and what somebody is typing stay as they are.

const SVG = "http://www.w3.org/2000/svg";
const HANDLERS = ["onclick", "onsubmit", "oninput", "onchange", "ontoggle"];

/** An element: `h("a", {href: "#/", class: "x"}, "text", child, [more])`; functions are handlers, `spec` a property. */
export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function" || name === "spec" || name === "value") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** Make `host` hold just these children. */
export function show(host, ...children) {
  const wanted = document.createDocumentFragment();
  wanted.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  alike(host, wanted);
}

function alike(host, wanted) {
  const now = [...host.childNodes];
  const next = [...wanted.childNodes];
  next.forEach((each, index) => {
    const old = now[index];
    if (!old) host.append(each);
    else if (isSame(old, each)) become(old, each);
    else old.replaceWith(each);
  });
  for (const left of now.slice(next.length)) left.remove();
}

function isSame(old, wanted) {
  if (old.nodeName !== wanted.nodeName) return false;
  return old.nodeType !== 1 || old.getAttribute("data-key") === wanted.getAttribute("data-key");
}

function become(old, wanted) {
  if (old.nodeType !== 1) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const {name} of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const {name, value} of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) if (old[name] !== wanted[name]) old[name] = wanted[name];
  if ("spec" in wanted) old.spec = wanted.spec;
  else alike(old, wanted);
}
