// Solves a challenge by the ALTCHA protocol, version 2.
'use strict';
// Looks for the number whose key begins as the challenge says.
const bytes = (hex) => Uint8Array.from(hex.match(/../g), (b) => parseInt(b, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('');

// solve tries first, first + step, and so on. It returns the token.
async function solve({ parameters, signature }, first = 0, step = 1) {
  const { nonce, salt, cost, keyLength, keyPrefix } = parameters;
  const password = new Uint8Array([...bytes(nonce), 0, 0, 0, 0]);
  const number = new DataView(password.buffer, password.length - 4);
  for (let counter = first; ; counter += step) {
    number.setUint32(0, counter);
    const secret = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
    const derivedKey = hex(await crypto.subtle.deriveBits(
      { name: 'PBKDF2', hash: 'SHA-256', salt: bytes(salt), iterations: cost }, secret, keyLength * 8));
    if (derivedKey.startsWith(keyPrefix)) {
      return btoa(JSON.stringify({ challenge: { parameters, signature }, solution: { counter, derivedKey } }));
    }
  }
}
onmessage = async ({ data: { challenge, first, step } }) => {
  try {
    if (challenge.parameters.algorithm !== 'PBKDF2/SHA-256') throw new Error('algorithm');
    postMessage({ token: await solve(challenge, first, step) });
  } catch (_) {
    postMessage({ failed: true });
  }
};
