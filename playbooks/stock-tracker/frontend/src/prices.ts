/** What the backend says of one symbol. The price is text, so that no cent is lost. */
export interface Tick {
  symbol: string;
  at: string;
  price: string;
  volume: number;
}

/** The prices that are known when the page opens. */
export async function latest(): Promise<Tick[]> {
  const answer = await fetch("/api/prices");
  if (!answer.ok) throw new Error(`/api/prices: ${answer.status}`);
  return (await answer.json()) as Tick[];
}

/** Follow new prices for as long as the page is open; connect again when the connection is lost. */
export function follow(onTicks: (ticks: Tick[]) => void, onState: (live: boolean) => void): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  let wait = 500;
  const connect = (): void => {
    const socket = new WebSocket(`${scheme}://${location.host}/ws/prices`);
    socket.onopen = () => {
      wait = 500;
      onState(true);
    };
    socket.onmessage = (message) => onTicks(JSON.parse(String(message.data)) as Tick[]);
    socket.onclose = () => {
      onState(false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 10_000);
    };
  };
  connect();
}
