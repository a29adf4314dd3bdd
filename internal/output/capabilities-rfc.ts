// Capabilities in the form that the RFC of 2011 proposed.

/**
 * Returns the capabilities document of the RFC without a last newline: S3 and S4 under power_management, which is left away
 * altogether when the host has neither. Source: "[RFC v2] Export KVM Host Power Management capabilities", libvir-list, August 2011.
 */
export function capabilitiesRfc(host: {
  readonly arch: string;
  readonly sleep?: { readonly s3: boolean; readonly s4: boolean } | undefined;
}): string {
  const { s3 = false, s4 = false } = host.sleep ?? {};
  const power = [...(s3 ? ["      <S3/>"] : []), ...(s4 ? ["      <S4/>"] : [])];
  return [
    "<capabilities>",
    "",
    "  <host>",
    "    <cpu>",
    `      <arch>${host.arch}</arch>`,
    "    </cpu>",
    ...(power.length > 0 ? ["    <power_management>", ...power, "    </power_management>"] : []),
    "  </host>",
    "",
    "</capabilities>",
  ].join("\n");
}
