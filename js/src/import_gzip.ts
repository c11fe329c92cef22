/** Evaluates a module that is sent as gzip in base64. */
export async function importGzip(gzip: string): Promise<unknown> {
  const packed = Uint8Array.from(atob(gzip), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(unpacked).text();
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return await import(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}
