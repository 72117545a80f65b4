// Evaluated first in every context: what agents' code may expect and the engine lacks, and the way back to the host.
// Whatever is needed later is taken here, before user code can change it. The value is the host's only handle.
(() => {
  "use strict";
  const global = globalThis;
  const { apply, getPrototypeOf } = Reflect;
  const { stringify, parse } = JSON;
  const { max } = Math;
  const [AnyError, text] = [Error, String];
  const method = (function_) => (self, ...rest) => apply(function_, self, rest);
  const sourceOf = method(Function.prototype.toString);
  const then = method(Promise.prototype.then);
  const [wellFormed, slice] = ["toWellFormed", "slice"].map((name) => method(String.prototype[name]));
  const [join, push] = [method(Array.prototype.join), method(Array.prototype.push)];
  const [setTimer, dropTimer, eachTimer] = ["set", "delete", "forEach"].map((name) => method(Map.prototype[name]));
  const find = method(RegExp.prototype.exec);
  const clock = performance;
  const now = method(clock.now);
  const asyncPrototype = getPrototypeOf(async () => {});
  let settings;

  // Errors that are made here have no line in the user's source.
  const failure = (Kind, message) => {
    const error = new Kind(message);
    error.stack = "";
    return error;
  };

  const describe = (thrown, withLine = true) => {
    try {
      if (!(thrown instanceof AnyError)) return slice(shown(thrown), 0, 2000);
      const line = withLine && find(/<input>:(\d+)/, text(thrown.stack));
      const said = slice(`${thrown.name}: ${thrown.message}`, 0, 2000);
      return line ? `${said} (line ${line[1]})` : said;
    } catch {
      return "The code threw something that cannot be shown as text.";
    }
  };

  const shown = (value) => {
    if (typeof value !== "object" || value === null) return text(value);
    return value instanceof AnyError ? describe(value) : text(stringify(value));
  };

  const lines = [];
  let room = 0;
  const logging = (prefix) => (...values) => {
    if (room <= 0) return;
    const words = [];
    for (let index = 0; index < values.length; index++) {
      try {
        push(words, shown(values[index]));
      } catch {
        push(words, "[cannot be shown]");
      }
    }
    const line = slice(prefix + join(words, " "), 0, room);
    room -= line.length + 1;
    push(lines, wellFormed(line));
    if (room <= 0) push(lines, "The log is full; the rest is left out.");
  };
  const info = logging("");
  const quiet = logging("debug: ");
  global.console = { log: info, info, debug: quiet, trace: quiet, warn: logging("warn: "), error: logging("error: ") };

  // The host fires the next timer when nothing else is left to do.
  const timers = new Map();
  let lastTimer = 0;
  const starter = (repeats) => (callback, delay, ...values) => {
    if (typeof callback !== "function") throw failure(TypeError, "A timer needs a function to call.");
    const wait = max(repeats ? 1 : 0, +delay || 0);
    lastTimer += 1;
    setTimer(timers, lastTimer, { id: lastTimer, callback, values, wait, repeats, due: now(clock) + wait });
    return lastTimer;
  };
  const nextTimer = () => {
    let next;
    eachTimer(timers, (timer) => {
      if (!next || timer.due < next.due) next = timer;
    });
    return next;
  };
  global.setTimeout = starter(false);
  global.setInterval = starter(true);
  global.clearTimeout = global.clearInterval = (id) => {
    dropTimer(timers, id);
  };

  global.fetch = async () => {
    throw failure(TypeError, "fetch has no network in the sandbox. Call the service by an APICall component and pass its answer on.");
  };

  // What main came to: "output" with JSON, "nothing", or "error" with its text.
  let ending = "";
  let said = "";
  const end = (how, what) => {
    ending = how;
    said = what;
  };
  const failed = (error) => end("error", describe(error));
  const returned = (value) => {
    let json;
    try {
      json = stringify(value);
    } catch (error) {
      return end("error", `What main returned cannot be written as JSON: ${describe(error, false)}`);
    }
    if (json === undefined) return end("nothing", "");
    return json.length > settings.output_bytes ? end("long", "") : end("output", json);
  };

  const verbs = {
    begin: (json) => {
      settings = parse(json);
      room = settings.log_bytes;
      const { environment } = settings;
      if (!environment) return;
      global.process = { env: environment };
      global.require = (name) => {
        throw failure(AnyError, `There is no module "${text(name)}" in the sandbox. Write what you need of it into the code.`);
      };
    },
    // The source text of main where it is an async function; null where it is another one.
    signature: (main) => (getPrototypeOf(main) === asyncPrototype ? wellFormed(sourceOf(main)) : null),
    // Each argument comes inside a list of its own; an empty one stands for undefined.
    call: (main, json) => {
      const values = parse(json);
      for (let index = 0; index < values.length; index++) values[index] = values[index][0];
      then(apply(main, undefined, values), returned, failed);
    },
    ending: () => ending,
    // The engine's wrapper takes no text that was put together of parts; these two are written in one.
    said: () => wellFormed(said),
    logs: () => stringify(lines),
    // Milliseconds until the next timer; null without one.
    wait: () => {
      const timer = nextTimer();
      return timer ? max(0, timer.due - now(clock)) : null;
    },
    fire: () => {
      const { id, callback, values, wait, repeats } = nextTimer();
      if (repeats) setTimer(timers, id, { id, callback, values, wait, repeats, due: now(clock) + wait });
      else dropTimer(timers, id);
      callback(...values);
    },
  };
  return (verb, first, second) => {
    try {
      return verbs[verb](first, second);
    } catch (error) {
      failed(error);
    }
  };
})
