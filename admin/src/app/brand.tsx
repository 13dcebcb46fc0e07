/** A slip of paper with a line to tear it by. */
export function Brand() {
  return (
    <>
      <svg
        width="20"
        height="20"
        viewBox="0 0 20 20"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        aria-hidden="true"
      >
        <path d="M3 2.5h14v15H3z" />
        <path d="M3 12h14" strokeDasharray="2 1.6" />
        <path d="M6 6h8M6 15h3" />
      </svg>
      Waybill
    </>
  );
}
