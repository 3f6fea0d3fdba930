"""An Ansible module that calls the `provision` command of the managed host and returns what its JSON stream says."""

from __future__ import annotations

DOCUMENTATION = r"""
module: provision
short_description: Bring a Docker environment to the state that a playbook declares
description:
  - Calls the C(provision) command on the managed host, which compares every field of every declared object with the
    live engine, does what differs, and proves it. A second run changes nothing.
  - The playbook here is one of provisioner, or any Compose file; it lies on the managed host.
requirements:
  - The C(provision) command on the managed host.
options:
  state:
    description:
      - V(applied) brings the engine to what the playbook declares.
      - V(planned) only looks; RV(pending) says whether there is something to do.
      - V(absent) removes containers and networks; the volumes stay unless O(volumes=true).
    type: str
    choices: [applied, planned, absent]
    default: applied
  target:
    description: The environment, such as V(shop/prod) for C(playbooks/shop/prod.yml).
    type: str
  files:
    description: Playbooks or Compose files, merged in their order, instead of O(target).
    type: list
    elements: str
    default: []
  directory:
    description: The folder in which the command works; O(target), O(files) and O(env_files) start there.
    type: path
  variables:
    description: Variables for C(${NAME}); they win over the shell and over files. They are shown with C(-vvv).
    type: dict
    default: {}
  secret_variables:
    description:
      - Variables for C(${NAME}) whose values nobody may see. They reach the command in its environment, not in its
        arguments, and Ansible takes their values out of everything that it shows. With them C(--diff) shows which
        fields change, and no value.
      - O(variables) win over them.
    type: dict
    default: {}
  env_files:
    description: Files of variables.
    type: list
    elements: str
    default: []
  profiles:
    description: Profiles to switch on.
    type: list
    elements: str
    default: []
  prune:
    description: Also delete objects that the playbook no longer declares.
    type: bool
    default: false
  volumes:
    description: With O(state=absent), delete the declared volumes and the data in them too; never protected ones.
    type: bool
    default: false
  digest:
    description:
      - Do exactly the plan with this digest, or nothing. C(provision plan --format markdown) shows it, and this
        module returns it as RV(digest). Only with O(state=applied).
    type: str
  host:
    description: The address of the engine, such as V(ssh://box); by default the one that C(provision) finds.
    type: str
  context:
    description: The Docker context of the engine.
    type: str
  executable:
    description: The C(provision) command, by name or path.
    type: path
    default: provision
attributes:
  check_mode:
    description: Makes the plan and changes nothing.
    support: full
  diff_mode:
    description: Shows the plan as C(provision plan) writes it; the engine is looked at once more for that.
    support: full
author:
  - The authors of provisioner (@provisioner)
"""

EXAMPLES = r"""
- name: The shop is as its playbook says
  provisioner.docker.provision:
    directory: /srv/environments
    target: shop/prod
    variables: {TAG: "1.4.2"}

- name: A Compose file, with a value that nobody may see
  provisioner.docker.provision:
    directory: /srv/shop
    files: [compose.yaml, compose.prod.yaml]
    secret_variables: {API_KEY: "{{ vault_api_key }}"}

- name: What would happen?
  provisioner.docker.provision:
    directory: /srv/environments
    target: shop/prod
    state: planned
  register: look

- name: Exactly that
  provisioner.docker.provision:
    directory: /srv/environments
    target: shop/prod
    digest: "{{ look.digest }}"
  when: look.pending

- name: Containers and networks go, the data stay
  provisioner.docker.provision:
    directory: /srv/environments
    target: shop/test
    state: absent
"""

RETURN = r"""
pending:
  description: Whether the plan had changes.
  returned: when a plan was made
  type: bool
summary:
  description: How many objects the plan would C(create), C(update), C(replace) or C(delete), or leave C(unchanged).
  returned: when a plan was made
  type: dict
changes:
  description: Each change of the plan, with C(address), C(action), C(reason) and, of a list of plays, its C(play).
  returned: when a plan was made
  type: list
  elements: dict
digest:
  description: The digest of the plan, for O(digest).
  returned: with O(state=planned), and in check mode except for O(state=absent)
  type: str
recap:
  description: How many objects are C(ok), C(changed), C(failed) and C(skipped).
  returned: when something was carried out
  type: dict
failures:
  description: The steps that failed, with C(address), C(verb) and C(error).
  returned: when steps failed
  type: list
  elements: dict
taken_back:
  description: Services whose previous container serves again, since its replacement failed.
  returned: when something was carried out
  type: list
  elements: str
down:
  description: Services that ran before and do not run now.
  returned: when something was carried out
  type: list
  elements: str
error:
  description: The error as C(provision --json) tells it, with C(kind), C(message), C(hint) and perhaps C(problems).
  returned: when the command ended with an error
  type: dict
exit_code:
  description: What the command ended with; C(provision explain CODE) says what it means.
  returned: always
  type: int
  sample: 0
"""

import json  # noqa: E402 - Ansible reads the documentation before the imports
import re  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

ARGUMENTS = {
    "state": {"type": "str", "choices": ["applied", "planned", "absent"], "default": "applied"},
    "target": {"type": "str"},
    "files": {"type": "list", "elements": "str", "default": []},
    "directory": {"type": "path"},
    "variables": {"type": "dict", "default": {}},
    "secret_variables": {"type": "dict", "default": {}, "no_log": True},
    "env_files": {"type": "list", "elements": "str", "default": []},
    "profiles": {"type": "list", "elements": "str", "default": []},
    "prune": {"type": "bool", "default": False},
    "volumes": {"type": "bool", "default": False},
    "digest": {"type": "str"},
    "host": {"type": "str"},
    "context": {"type": "str"},
    "executable": {"type": "path", "default": "provision"},
}
STALE, USAGE = 76, 64
DIGEST = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{16}){2}$")


def main():
    """Run the command for one task and end with its result."""
    module = AnsibleModule(
        ARGUMENTS, supports_check_mode=True, mutually_exclusive=[("target", "files"), ("host", "context")]
    )
    parameters = module.params
    for name, state in (("volumes", "absent"), ("prune", "applied"), ("digest", "applied")):
        allowed = (state, "planned") if name == "prune" else (state,)
        if parameters[name] and parameters["state"] not in allowed:
            module.fail_json(msg=f"{name} is of use only with state: {' or '.join(allowed)}")
    for name in ("variables", "secret_variables"):
        empty = [key for key, value in parameters[name].items() if value is None]
        if empty:
            module.fail_json(msg=f"{name}: {', '.join(empty)} is null; write '' for an empty text, or leave it out")
    if parameters["digest"] and not DIGEST.match(parameters["digest"]):
        module.fail_json(msg=f"'{parameters['digest']}' is not the digest of a plan", exit_code=USAGE)
    looks = module.check_mode or parameters["state"] == "planned"
    text = diff_of(module) if module._diff else ""
    if looks:
        ending = ["--check", "--json"]
    elif parameters["digest"]:
        ending = ["--digest", parameters["digest"], "--json"]
    else:
        ending = ["--yes", "--json"]
    code, output, errors = run(module, ending)
    lines = lines_of(output) + lines_of(errors)
    result = result_of(lines, code, looks=looks)
    if not lines and not code:
        module.fail_json(msg=f"{parameters['executable']} wrote no result: is it provision, and no other command?")
    result["changed"] = result["changed"] and parameters["state"] != "planned"
    if text and result.get("pending"):
        result["diff"] = {"prepared": text}
    wanted = parameters["digest"]
    if looks and not code and wanted and result.get("digest") != wanted:
        code, result["exit_code"] = STALE, STALE
        result["msg"] = f"the plan is not the approved one: its digest is {result.get('digest')}, not {wanted}"
    if code:
        result.setdefault("msg", errors.strip() or f"provision ended with exit code {code}")
        module.fail_json(**result)
    module.exit_json(**result)


def diff_of(module):
    """The plan as a text for people; without any value where one could be of a secret variable, now or before."""
    if not module.params["secret_variables"]:
        return run(module, ["--check"])[1]
    plans = [line for line in lines_of(run(module, ["--check", "--json"])[1]) if line.get("type") == "plan"]
    changes = [change for line in plans for plan in plans_of(line) for change in plan.get("changes", ())]
    told = ["No value is shown: it could be one of secret_variables."]
    for change in changes:
        if change["action"] != "unchanged":
            told.append(f"{change['action']} {change['address']}")
            told += [f"    {one['path']}" for one in change.get("differences", ())]
    return "\n".join(told) + "\n"


def run(module, ending):
    """Run `provision` with the task's parameters and `ending`; return its exit code, output and errors."""
    given = module.params
    executable = module.get_bin_path(given["executable"])
    if executable is None:
        module.fail_json(msg=f"there is no command {given['executable']} on this host; install it, or set `executable`")
    words = [executable, "--no-color"]
    for option, name in (("--directory", "directory"), ("--host", "host"), ("--context", "context")):
        words += [option, given[name]] if given[name] else []
    for option, name in (("--file", "files"), ("--env-file", "env_files"), ("--profile", "profiles")):
        words += [word for value in given[name] for word in (option, value)]
    words += [word for name, value in given["variables"].items() for word in ("--env", f"{name}={text_of(value)}")]
    words += ["destroy" if given["state"] == "absent" else "apply", *ending]
    words += [f"--{name}" for name in ("prune", "volumes") if given[name]]
    words += ["--", given["target"]] if given["target"] else []
    secret = {name: text_of(value) for name, value in given["secret_variables"].items()}
    return module.run_command(words, environ_update=secret)


def text_of(value):
    """A variable as the text that a playbook reads; YAML's true and false as they are written there."""
    return value if isinstance(value, str) else json.dumps(value)


def lines_of(stream):
    """The JSON objects of a stream, one per line; other lines are for people."""
    found = []
    for line in stream.splitlines():
        try:
            found += [json.loads(line)] if line.startswith("{") else []
        except ValueError:
            continue
    return found


def result_of(lines, code, *, looks):
    """What the task returns for the objects that the command wrote and the code that it ended with."""
    result = {"changed": False, "exit_code": code}
    messages = []
    for line in lines:
        if line.get("type") == "plan":
            result.update(plan_of(line))
            result["changed"] = looks and result["pending"]
            if code:
                messages += [sentence_of(refusal) for plan in plans_of(line) for refusal in plan.get("refusals", ())]
        elif line.get("type") == "summary":
            # Of a list of plays the last summary counts all of them.
            result["recap"] = {name: line[name] for name in ("ok", "changed", "failed", "skipped")}
            result["changed"] = line["changed"] > 0
            for name in ("failures", "taken_back", "down"):
                result[name] = result.get(name, []) + line.get(name, [])
            messages += [
                f"{one['address']}: {sentence_of(one['error'])}" for one in line.get("failures", ()) if "error" in one
            ]
            messages += [
                f"check failed: {check['name']}" for check in line.get("checks", ()) if not check.get("ok", True)
            ]
        if line.get("error") and line.get("type") != "finished":
            result["error"] = line["error"]
            messages.append(sentence_of(line["error"]))
    if code and messages:
        result["msg"] = "; ".join(dict.fromkeys(messages))
    return result


def plan_of(line):
    """What a task returns of a plan, or of a list's plans."""
    changes = [
        {
            **{name: change[name] for name in ("address", "action", "reason")},
            **({"play": name} if (name := plan.get("name")) else {}),
        }
        for plan in plans_of(line)
        for change in plan.get("changes", ())
    ]
    pending = any(plan["pending"] for plan in plans_of(line))
    result = {"pending": pending, "summary": line["summary"], "changes": changes}
    return {**result, "digest": line["digest"]} if "digest" in line else result


def plans_of(line):
    """The plans of one line: its own, or those of the plays of a list."""
    return line.get("plays", [line])


def sentence_of(error):
    """An error or a problem as one sentence, with its hint."""
    return f"{error['message']} ({error['hint']})" if error.get("hint") else error["message"]


if __name__ == "__main__":
    main()
