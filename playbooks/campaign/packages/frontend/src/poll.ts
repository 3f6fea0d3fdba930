// A value that is asked for again and again while it is shown.
import { useEffect, useState } from "react";

const INTERVAL = 2000;

export interface Polled<Value> {
  readonly value: Value | null;
  readonly problem: string | null;
}

export function usePolled<Value>(key: string, ask: () => Promise<Value>): Polled<Value> {
  const [state, setState] = useState<Polled<Value>>({ value: null, problem: null });
  useEffect(() => {
    let shown = true;
    setState({ value: null, problem: null });
    const look = async () => {
      try {
        const value = await ask();
        if (shown) setState({ value, problem: null });
      } catch (error) {
        // What was seen last stays, with the reason why it may be old.
        if (shown) setState((before) => ({ ...before, problem: String(error) }));
      }
    };
    void look();
    const timer = setInterval(look, INTERVAL);
    return () => {
      shown = false;
      clearInterval(timer);
    };
    // The key stands for what is asked for.
  }, [key]);
  return state;
}
