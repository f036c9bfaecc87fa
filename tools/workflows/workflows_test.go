// Package workflows_test checks what GitHub runs for this repository (.github/workflows), beyond what actionlint knows.
package workflows_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// workflow is what the tests look at of a file.
type workflow struct {
	On          yaml.Node
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Timeout     int `yaml:"timeout-minutes"`
		Steps       []step
	}
}

type step struct {
	Uses, Run string
	With      map[string]any
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = w
	}
	return all
}

// Who could change an action could change what runs here: each is named by the hash of its commit, with the version
// beside it for readers.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^\s*(?:- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	files := []string{"plan/action.yml"}
	for name := range workflows(t) {
		files = append(files, filepath.Join(".github/workflows", name))
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "uses:") && !strings.Contains(line, "uses: ./plan") &&
				!pinned.MatchString(strings.TrimRight(line, "\n")) {
				t.Errorf("%s: %s", name, strings.TrimSpace(line))
			}
		}
	}
}

// Each token can do what its job needs and no more, and nothing that can write runs what a stranger sent.
func TestTokens(t *testing.T) {
	for name, w := range workflows(t) {
		var on string
		for _, node := range w.On.Content {
			on += " " + node.Value
		}
		if strings.Contains(on, "pull_request_target") {
			t.Errorf("%s runs with a token that can write, on what anybody sends", name)
		}
		if w.Permissions == nil {
			t.Errorf("%s: its token has whatever the repository's settings say", name)
		}
		for job, j := range w.Jobs {
			granted := j.Permissions
			if granted == nil {
				granted = w.Permissions
			}
			if j.Timeout == 0 {
				t.Errorf("%s, %s: it may run for six hours", name, job)
			}
			for scope, level := range granted {
				switch {
				case level == "read":
				case scope == "id-token" && (name == "preview.yml" || name == "deploy.yml" || name == "drift.yml"):
				case scope == "pull-requests" && name == "comment.yml":
				default:
					t.Errorf("%s, %s: %s: %s", name, job, scope, level)
				}
			}
			for _, s := range j.Steps {
				checkout := strings.HasPrefix(s.Uses, "actions/checkout@")
				if checkout && s.With["persist-credentials"] != false {
					t.Errorf("%s, %s: the token stays where the code that was checked out can read it", name, job)
				}
				if name == "comment.yml" && (checkout || s.Run != "") {
					t.Errorf("%s, %s: it has a token that can write, and runs or checks out something", name, job)
				}
			}
		}
	}
}

// What is not GitHub's own is a target of make, so that everybody can run it.
func TestStepsAreTargets(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for name, w := range workflows(t) {
		for job, j := range w.Jobs {
			for _, s := range j.Steps {
				if s.Uses == "./plan" {
					seen["plan"] = true // it runs what make plan does
				}
				for _, m := range regexp.MustCompile(`\bmake (?:--silent )?([a-z-]+)`).FindAllStringSubmatch(s.Run,
					-1) {
					seen[m[1]] = true
					if !strings.Contains(string(makefile), "\n"+m[1]+":") {
						t.Errorf("%s, %s: make has no target %s", name, job, m[1])
					}
				}
				for _, program := range []string{"go ", "pulumi ", "npm ", "node ", "tools/", "curl "} {
					for line := range strings.Lines(s.Run) {
						if strings.HasPrefix(strings.TrimSpace(line), program) {
							t.Errorf("%s, %s: %q is no target of make", name, job, strings.TrimSpace(line))
						}
					}
				}
			}
		}
	}
	for _, target := range []string{"test", "fuzz", "plan", "preview", "deploy", "verify", "drift", "emulate"} {
		if !seen[target] {
			t.Errorf("no workflow runs make %s", target)
		}
	}
}

// commentRun is a GitHub in Node.js, with what the script of comment.yml asks of it. It prints what the script wrote.
const commentRun = `
const given = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const wrote = [];
const core = { info: (said) => wrote.push({ said }) };
const context = { repo: { owner: 'owner', repo: 'dossier' }, payload: { workflow_run: given.run } };
const listComments = () => {};
const github = {
  rest: {
    pulls: { list: async (ask) => ({ data: given.pulls.filter((p) => ask.head === p.head.repo.owner + ':' + p.head.ref && ask.state === 'open') }) },
    issues: {
      listComments,
      createComment: async (c) => wrote.push({ created: c }),
      updateComment: async (c) => wrote.push({ updated: c }),
    },
  },
  paginate: async (f, ask) => (f === listComments ? given.comments[ask.issue_number] ?? [] : []),
};
(async () => { SCRIPT })().then(() => console.log(JSON.stringify(wrote)), (e) => { console.error(e); process.exit(1); });
`

// planLimit is how many characters a plan has at most, as its own code says.
func planLimit(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "plan/markdown.go"))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^const Limit = (\d+)$`).FindSubmatch(text)
	if match == nil {
		t.Fatal("plan/markdown.go has no constant Limit")
	}
	limit, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return limit
}

// planOf is a plan of so many characters as it counts them: in UTF-16, and two for each @, beside which comment.yml
// puts another one.
func planOf(t *testing.T, size int) string {
	t.Helper()
	const begin, end = "# Plan 🐳 @a\n\n<details>\n\n```\n", "\n```\n\n</details>\n\n> **Left out**"
	taken := len(utf16.Encode([]rune(begin+end))) + strings.Count(begin+end, "@")
	return begin + strings.Repeat("x", size-taken) + end
}

// created is the body of the comment that was written.
func created(t *testing.T, wrote []map[string]json.RawMessage) string {
	t.Helper()
	var c struct{ Body string }
	if err := json.Unmarshal(wrote[0]["created"], &c); err != nil {
		t.Fatal(err)
	}
	return c.Body
}

// gitIn returns git in a folder, as somebody, which returns what it says.
func gitIn(t *testing.T, dir string) func(args ...string) string {
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=test", "-c",
			"user.email=test@example.org", "-c", "commit.gpgsign=false"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// TestBase: what the plan of a pull request is against is the base as it was merged, so that commits which the base got
// since are no part of it.
func TestBase(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".github/workflows/plan.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("uses: ./plan\n")) || regexp.MustCompile(`(?m)^ +base:`).Match(text) {
		t.Fatal("plan.yml does not use the action with the base that it has by itself")
	}
	action, _ := readAction(t)
	base := action.Inputs["base"].Default
	if base == nil {
		t.Fatal("plan/action.yml names no base")
	}
	dir := t.TempDir()
	git := gitIn(t, dir)
	git("init", "--quiet", "--initial-branch=main")
	for _, args := range [][]string{
		{"commit", "--quiet", "--allow-empty", "--message", "first"},
		{"checkout", "--quiet", "-b", "change"},
		{"commit", "--quiet", "--allow-empty", "--message", "a change"},
		{"checkout", "--quiet", "main"},
		{"commit", "--quiet", "--allow-empty", "--message", "somebody else's"},
		{"checkout", "--quiet", "--detach"},
		{"merge", "--quiet", "--no-ff", "--no-edit", "change"},
	} {
		git(args...)
	}
	if got, want := git("merge-base", "HEAD", *base), git("rev-parse", "main"); got != want {
		t.Errorf("it compares with %s, and the change was merged into %s", got, want)
	}
}

// The script that holds a token runs here against a GitHub of the test's own.
func TestComment(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("DOSSIER_TEST_REQUIRE") == "1" {
			t.Fatal("Node.js is not installed")
		}
		t.Skip("Node.js is not installed")
	}
	var script string
	for _, s := range workflows(t)["comment.yml"].Jobs["comment"].Steps {
		if strings.HasPrefix(s.Uses, "actions/github-script@") {
			script, _ = s.With["script"].(string)
		}
	}
	if script == "" {
		t.Fatal("comment.yml has no script")
	}
	type m = map[string]any
	const sha, marker = "0123456789012345678901234567890123456789", "<!-- dossier plan -->"
	run := m{
		"head_sha": sha, "head_branch": "patch", "html_url": "https://example.org/run",
		"head_repository": m{"full_name": "stranger/dossier", "owner": m{"login": "stranger"}},
	}
	pull := func(number int, at, repo string) m {
		owner, _, _ := strings.Cut(repo, "/")
		return m{"number": number, "head": m{"sha": at, "ref": "patch", "repo": m{"full_name": repo, "owner": owner}}}
	}
	longest := planOf(t, planLimit(t))
	bot, somebody := m{"login": "github-actions[bot]"}, m{"login": "somebody"}
	for _, test := range []struct {
		name     string
		plan     string
		pulls    []m
		comments m
		check    func(t *testing.T, wrote []map[string]json.RawMessage, all string)
	}{
		{
			"the first", "# Plan", []m{pull(7, sha, "stranger/dossier")},
			m{"7": []m{{"id": 1, "user": somebody, "body": "Nice"}}},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				comment := `"` + marker + `\\n<sub>Made from ` + sha + `, by the code [^\\]*</sub>\\n\\n# Plan"`
				if wrote[0]["created"] == nil || !strings.Contains(all, `"issue_number":7`) ||
					!regexp.MustCompile(comment).MatchString(all) {
					t.Error(all)
				}
			},
		},
		{
			"again", "# Plan", []m{pull(6, "another", "stranger/dossier"), pull(7, sha, "stranger/dossier")},
			m{"7": []m{{"id": 1, "user": somebody, "body": marker + " mine"},
				{"id": 2, "user": bot, "body": marker + "\nold"}}, "6": []m{{"id": 3, "user": bot, "body": marker}}},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["updated"] == nil || !strings.Contains(all, `"comment_id":2`) {
					t.Error(all)
				}
			},
		},
		{
			"closed or moved on meanwhile", "# Plan", []m{pull(7, "another", "stranger/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["said"] == nil {
					t.Error(all)
				}
			},
		},
		{
			"a branch of the same name elsewhere", "# Plan", []m{pull(7, sha, "owner/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["said"] == nil {
					t.Error(all)
				}
			},
		},
		{
			"calling people", "@everybody, see <a@example.org>", []m{pull(7, sha, "stranger/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if c := created(t, wrote); strings.Contains(c, "@everybody") || !strings.Contains(c, "everybody") {
					t.Error(all)
				}
			},
		},
		{
			"as long as a plan gets", longest, []m{pull(7, sha, "stranger/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, _ string) {
				c := created(t, wrote)
				if !strings.Contains(c, strings.ReplaceAll(longest, "@", "@\u200b")) || !strings.Contains(c, sha) ||
					len(utf16.Encode([]rune(c))) > 65536 {
					t.Errorf("%d characters: %.200s … %.200s", len([]rune(c)), c, c[len(c)-200:])
				}
			},
		},
		{
			"longer than a plan gets", longest + "x", []m{pull(7, sha, "stranger/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, _ string) {
				if c := created(t, wrote); !strings.Contains(c, "## Plan: too long") || !strings.Contains(c, sha) ||
					strings.Contains(c, "xxx") {
					t.Errorf("%.500s", c)
				}
			},
		},
		{
			"one of two of a branch", "# Plan\nrefs/pull/8/merge",
			[]m{pull(7, sha, "stranger/dossier"), pull(8, sha, "stranger/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["created"] == nil || !strings.Contains(all, `"issue_number":8`) {
					t.Error(all)
				}
			},
		},
		{
			"one that is another's", "# Plan\nrefs/pull/6/merge",
			[]m{pull(6, "another", "owner/dossier"), pull(7, sha, "stranger/dossier")}, m{},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["created"] == nil || !strings.Contains(all, `"issue_number":7`) {
					t.Error(all)
				}
			},
		},
		{
			"none, as the run ended before it", "", []m{pull(7, sha, "stranger/dossier")},
			m{"7": []m{{"id": 2, "user": bot, "body": marker + "\nold"}}},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["updated"] == nil || !strings.Contains(all, "ended before it") {
					t.Error(all)
				}
			},
		},
		{
			"empty", "\n", []m{pull(7, sha, "stranger/dossier")},
			m{"7": []m{{"id": 2, "user": bot, "body": marker + "\nold"}}},
			func(t *testing.T, wrote []map[string]json.RawMessage, all string) {
				if wrote[0]["said"] == nil {
					t.Error(all)
				}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			plan := filepath.Join(dir, "plan.md")
			for name, text := range map[string]string{"plan.md": test.plan,
				"plan.ref": regexp.MustCompile(`refs/\S+|$`).FindString(test.plan) + "\n"} {
				if test.plan == "" {
					break // there is no artifact
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			given, err := json.Marshal(m{"run": run, "pulls": test.pulls, "comments": test.comments})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), node, "-e", strings.Replace(commentRun, "SCRIPT", script, 1))
			cmd.Env = append(os.Environ(), "PLAN="+plan)
			cmd.Stdin, cmd.Stderr = strings.NewReader(string(given)), os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var wrote []map[string]json.RawMessage
			if err := json.Unmarshal(out, &wrote); err != nil || len(wrote) != 1 {
				t.Fatalf("%s, %v", out, err)
			}
			test.check(t, wrote, string(out))
		})
	}
}

// Versions of a module that Dependabot is not told of grow old unnoticed.
func TestDependabotKnowsTheModules(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".github/dependabot.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, update := range file.Updates {
		for _, folder := range append(update.Directories, update.Directory) {
			told[update.Ecosystem+" "+strings.TrimPrefix(folder, "/")] = true
		}
	}
	for ecosystem, pattern := range map[string]string{"gomod": "go.mod", "npm": "package.json"} {
		found := 0
		for _, depth := range []string{"", "*/", "*/*/"} {
			files, err := filepath.Glob(filepath.Join(root, depth+pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				folder, err := filepath.Rel(root, filepath.Dir(file))
				if err != nil {
					t.Fatal(err)
				}
				found++
				if !told[ecosystem+" "+filepath.ToSlash(folder)] {
					t.Errorf("dependabot.yml does not name %s, which has a %s", folder, pattern)
				}
			}
		}
		if found == 0 {
			t.Errorf("no %s was found", pattern)
		}
	}
	if !told["github-actions "] {
		t.Error("dependabot.yml does not look after the actions")
	}
}
