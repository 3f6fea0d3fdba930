// The page's own paths: /, /campaigns and /campaigns/ID. The server gives the same page for all of them.
import { type MouseEvent, useEffect, useState } from "react";

export function usePath(): string {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const changed = () => setPath(location.pathname);
    addEventListener("popstate", changed);
    return () => removeEventListener("popstate", changed);
  }, []);
  return path;
}

/** For links inside the page: change the path without asking the server for it. */
export function follow(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.metaKey || event.ctrlKey || event.button !== 0) return;
  event.preventDefault();
  history.pushState(null, "", event.currentTarget.href);
  dispatchEvent(new PopStateEvent("popstate"));
}

export function campaignIn(path: string): string | null {
  return /^\/campaigns\/([^/]+)\/?$/.exec(path)?.[1] ?? null;
}
