// What an imported style is: its text.

declare module "*.css" {
  const style: string;
  export default style;
}
