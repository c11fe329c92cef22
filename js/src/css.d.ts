/** With a default import, a style sheet is its text; the panels use it. */
declare module "*.css" {
  const text: string;
  export default text;
}
