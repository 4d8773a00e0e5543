// Looks for the number whose digest with the salt is the challenge's.
'use strict';
const names = { 'SHA-1': 1, 'SHA-256': 1, 'SHA-384': 1, 'SHA-512': 1 };
const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('');
onmessage = async (event) => {
  const { algorithm, challenge, salt, maxnumber, first, stride } = event.data;
  try {
    if (!names[algorithm]) throw new Error('algorithm');
    const text = new TextEncoder();
    const batch = 256;
    for (let n = first; n <= maxnumber; n += stride * batch) {
      const tries = [];
      for (let i = 0; i < batch && n + i * stride <= maxnumber; i++) {
        tries.push(crypto.subtle.digest(algorithm, text.encode(salt + (n + i * stride))));
      }
      const found = (await Promise.all(tries)).findIndex((d) => hex(d) === challenge);
      if (found >= 0) { postMessage({ number: n + found * stride }); return; }
    }
    postMessage({ none: true });
  } catch (_) {
    postMessage({ failed: true });
  }
};
