/** A style sheet is its text where it is imported by name, as the panels do. */
declare module "*.css" {
  const text: string;
  export default text;
}
