// What the imported parts of the page are: their text; the scripts run in browsers and not here.

declare module "*.css" {
  const style: string;
  export default style;
}
declare module "*.js" {
  const script: string;
  export default script;
}
