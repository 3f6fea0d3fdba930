import { campaign, campaigns, matches } from "./api";
import { usePolled } from "./poll";
import { campaignIn, follow, usePath } from "./route";

const HEADING = "Campaigns";

export function App() {
  const id = campaignIn(usePath());
  return (
    <main>
      <h1>
        <a href="/campaigns" onClick={follow}>
          {HEADING}
        </a>
      </h1>
      {id === null ? <All /> : <One id={id} />}
    </main>
  );
}

function All() {
  const { value, problem } = usePolled("all", campaigns);
  return (
    <>
      <Problem text={problem} />
      {value?.length === 0 && <p>There are no campaigns yet.</p>}
      <table>
        <thead>
          <tr>
            {["Name", "Status", "Starts", "Ends", "Matches"].map((title) => (
              <th key={title}>{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {value?.map((each) => (
            <tr key={each.id}>
              <td>
                <a href={`/campaigns/${each.id}`} onClick={follow}>
                  {each.name}
                </a>
              </td>
              <td className={each.status}>{each.status}</td>
              <td>{time(each.starts_at)}</td>
              <td>{time(each.ends_at)}</td>
              <td>{each.matches}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function One({ id }: { id: string }) {
  const found = usePolled(id, () => campaign(id));
  const visits = usePolled(`${id} matches`, () => matches(id));
  const shown = found.value;
  return (
    <>
      <Problem text={found.problem ?? visits.problem} />
      {shown && (
        <section>
          <h2>{shown.name}</h2>
          <p>
            <span className={shown.status}>{shown.status}</span>, within {shown.radius_m} m of{" "}
            {shown.latitude.toFixed(4)}, {shown.longitude.toFixed(4)}, from {time(shown.starts_at)} to {time(shown.ends_at)}
          </p>
        </section>
      )}
      <ul>
        {visits.value?.map((each) => (
          <li key={each.visit_id}>
            {each.visitor}, {Math.round(each.distance_m)} m away, {time(each.matched_at)}
          </li>
        ))}
      </ul>
    </>
  );
}

function Problem({ text }: { text: string | null }) {
  return text === null ? null : <p role="alert">{text}</p>;
}

function time(text: string): string {
  return new Date(text).toLocaleString();
}
