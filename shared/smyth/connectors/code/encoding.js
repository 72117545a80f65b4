// TextEncoder and TextDecoder for UTF-8, evaluated for sources that name them.
globalThis.TextEncoder = class TextEncoder {
  get encoding() {
    return "utf-8";
  }
  encode(value = "") {
    const bytes = [];
    for (const sign of String(value).toWellFormed()) {
      const code = sign.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return new Uint8Array(bytes);
  }
};

globalThis.TextDecoder = class TextDecoder {
  #fatal;
  #keepMark;
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(unicode-1-1-)?utf-?8\s*$/i.test(label)) throw new RangeError(`Only UTF-8 can be decoded, not "${label}".`);
    this.#fatal = fatal;
    this.#keepMark = ignoreBOM;
  }
  get encoding() {
    return "utf-8";
  }
  decode(input = new Uint8Array()) {
    const bytes = ArrayBuffer.isView(input)
      ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
      : new Uint8Array(input);
    const signs = [];
    for (let index = 0; index < bytes.length; ) {
      const lead = bytes[index++];
      const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
      let code = length > 1 ? lead & (0x7f >> length) : lead;
      let missing = length - 1;
      for (; missing > 0 && (bytes[index] & 0xc0) === 0x80; missing--) code = (code << 6) | (bytes[index++] & 63);
      const tooShort = code < [0, 0, 0x80, 0x800, 0x10000][length];
      if (missing || tooShort || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        if (this.#fatal) throw new TypeError("The bytes are not UTF-8.");
        signs.push("\ufffd");
      } else signs.push(String.fromCodePoint(code));
    }
    if (signs[0] === "\ufeff" && !this.#keepMark) signs.shift();
    return signs.join("");
  }
};
