// What a package may be without anybody having looked at it, and how what it can do is found.

/** A package of which an installation holds a part. */
export interface Dependency {
  name: string;
  version: string;
  license: string;
  hasInstallScript: boolean;
  /** What its code could do beyond computing. */
  found: string[];
}

/** What somebody has seen in packages, and why it does no harm. A name may end in `*`. */
export interface Review {
  packages: string[];
  found: string[];
  verdict: string;
}

/** LGPL: libvips, a library of its own that is loaded at run time and can be replaced. */
const licences = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "0BSD",
  "Unlicense",
  "Zlib",
  "LGPL-3.0-or-later",
]);

/** What code must contain to open a connection, or to start a program that could. */
const abilities = {
  network: [
    /["'`](?:node:)?(?:net|tls|https?|http2|dns|dgram)(?:\/promises)?["'`]/,
    /\bfetch\s*\(/,
    /\b(?:XMLHttpRequest|WebSocket|EventSource|WebTransport|RTCPeerConnection|sendBeacon|importScripts)\b/,
  ],
  processes: [/["'`](?:node:)?child_process["'`]/],
};

/** What a package's code could do, by the text of its modules. */
export function abilitiesOf(modules: readonly string[]): string[] {
  return Object.entries(abilities)
    .filter(([, patterns]) => patterns.some((pattern) => modules.some((code) => pattern.test(code))))
    .map(([ability]) => ability);
}

/** Whether a file of this name is compiled code, or says how to compile some. */
export function isNative(file: string): boolean {
  return /\.(?:node|so|dylib|dll|exe)(?:\.[\d.]+)?$|(?:^|[\\/])binding\.gyp$/.test(file);
}

/** What is wrong with the packages and with the verdicts on them, one line each. */
export function problemsOf(dependencies: readonly Dependency[], reviews: readonly Review[]): string[] {
  return [
    ...dependencies.flatMap((dependency) => problemsOfOne(dependency, reviews)),
    ...reviews.flatMap((review) => staleOf(review, dependencies)),
  ];
}

function problemsOfOne({ name, version, license, hasInstallScript, found }: Dependency, reviews: readonly Review[]) {
  const parts = license.split(/ (?:AND|OR) |[()]/).filter((part) => part !== "");
  const seen = reviews.filter((review) => isOf(review, name)).flatMap((review) => review.found);
  const unseen = found.filter((ability) => !seen.includes(ability));
  return [
    ...(parts.every((part) => licences.has(part)) ? [] : [`${name} ${version}: licence ${license} is not in the list`]),
    ...(hasInstallScript ? [`${name} ${version}: has an installation script`] : []),
    ...unseen.map((ability) => `${name} ${version}: ${ability} found, and no verdict on it`),
  ];
}

/** A verdict on what is no longer there would hide the next one. */
function staleOf(review: Review, dependencies: readonly Dependency[]): string[] {
  const found = dependencies.filter(({ name }) => isOf(review, name)).flatMap((dependency) => dependency.found);
  const stale = review.found.filter((ability) => !found.includes(ability));
  return stale.map((ability) => `${review.packages.join(", ")}: a verdict on ${ability}, which is no longer found`);
}

function isOf({ packages }: Review, name: string): boolean {
  return packages.some((known) => known === name || (known.endsWith("*") && name.startsWith(known.slice(0, -1))));
}
