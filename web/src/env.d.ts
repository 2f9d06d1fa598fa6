/** The worker as text, put in by the build. */
declare module "worker:*" {
  const text: string;
  export default text;
}
