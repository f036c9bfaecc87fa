package documents_test

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestReferences: what the documents name exists.
func TestReferences(t *testing.T) {
	k := newKnown(t)
	names := documents(t)
	for _, want := range []string{"README.md", "CONTRIBUTING.md", "docs/deploy.md", ".github/PULL_REQUEST_TEMPLATE.md"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among the documents %q", want, names)
		}
	}
	for _, name := range names {
		for _, dead := range k.dead(name, read(t, name)) {
			t.Error(dead)
		}
	}
}

var pageName = regexp.MustCompile(`(?:^|[^\w./-])(?:\.\./)*(docs/[\w/-]+\.(?:md|png|svg))`)

// TestPagesNamedElsewhere: the pages that comments, messages, scripts and workflows name exist.
func TestPagesNamedElsewhere(t *testing.T) {
	found := 0
	walk(t, func(name string, folder bool) {
		if folder || path.Ext(name) == ".md" {
			return
		}
		text := read(t, name)
		if !utf8.ValidString(text) {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			for _, page := range firsts(pageName, line) {
				found++
				if !exists(page) && !strings.HasPrefix(name, "tools/documents/") {
					t.Errorf("%s:%d: there is no page %s", name, i+1, page)
				}
			}
		}
	})
	if found < 20 {
		t.Errorf("pages are named %d times", found)
	}
}

// TestREADME: the first page is short enough to be read.
func TestREADME(t *testing.T) {
	const most = 900
	if words := len(strings.Fields(read(t, "README.md"))); words > most {
		t.Errorf("README.md has %d words, more than %d", words, most)
	}
}

// TestIndex: the index of the documents leads to each page.
func TestIndex(t *testing.T) {
	index := firsts(link, read(t, "docs/README.md"))
	for _, name := range documents(t) {
		page, below := strings.CutPrefix(name, "docs/")
		if below && page != "README.md" && !slices.ContainsFunc(index, func(target string) bool {
			file, _, _ := strings.Cut(target, "#")
			return file == page
		}) {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}

// TestDeadReferences: each kind of dead reference is found, and nothing else is.
func TestDeadReferences(t *testing.T) {
	k := newKnown(t)
	for text, want := range map[string]string{
		"`make nothing`":                  "make nothing",
		"```\nmake run && make fly\n```":  "make fly",
		"`make test` and making things":   "",
		"# make no such target is a head": "",
		"`infra/nothing.go`":              "infra/nothing.go",
		"`infra/main.go`, `plan/policy`":  "",
		"`app/cmd/*/main.go`":             "",
		"`tools/*.nothing`":               "tools/*.nothing",
		"`Pulumi.test.yaml`":              "Pulumi.test.yaml",
		"`Pulumi.dev.yaml`":               "",
		"`SECURITY.md`, `LICENCE.txt`":    "",
		"`CONTRIBUTE.md`":                 "CONTRIBUTE.md",
		"`network.zone`":                  "network.zone",
		"`network.zones`":                 "",
		"```\npulumi config set --path dossier:settings.network.zone 3\n```":            "network.zone",
		"```\npulumi config set --path 'dossier:settings.jump.operatorCIDRs[0]' x\n```": "",
		"`dossier fly`":                  "dossier fly",
		"`dossier migrate down`":         "dossier migrate down",
		"`dossier migrate up --wait 5m`": "",
		"`dossier migrate up --fast`":    "--fast",
		"`dossier serve`":                "",
		"`DOSSIER_NOTHING`":              "DOSSIER_NOTHING",
		"`DOSSIER_LISTEN`, `DOSSIER_ROLLOUT_GROUP`, `DOSSIER_ROLLOUT_GROUPS`":           "DOSSIER_ROLLOUT_GROUPS",
		"`/dossier/dev/staff/secrets`":                                                  "/dossier/dev/staff/secrets",
		"`/dossier/<stack>/staff/secret` and `/dossier/prod/app`":                       "",
		"`pulumi stack output address`":                                                 "address",
		"```\ncurl \"$(pulumi stack output url)/readyz\"\n```":                          "",
		"`go run " + k.modules["infra"] + "/cmd/fly`":                                   "infra/cmd/fly",
		"`go run " + k.modules["infra"] + "/cmd/rollout --cheek`":                       "--cheek",
		"`go run " + k.modules["infra"] + "/cmd/rollout --check --region eu-central-1`": "",
		"`go run " + k.modules["infra"] + "/cmd/runcommand --instance i --what`":        "--what",
		"`go run " + k.modules["infra"] + "/cmd/runcommand --instance i`":               "",
		"[a](nothing.md)":                     "nothing.md",
		"[a](settings.md)":                    "",
		"![a](nothing.svg)":                   "nothing.svg",
		"[a](settings.md#network)":            "",
		"[a](settings.md#no-such-heading)":    "#no-such-heading",
		"## One, two\n[a](#one-two)":          "",
		"[a](https://docs.aws.amazon.com/x)":  "",
		"a word network.zone outside of code": "",
	} {
		got := k.dead("docs/test.md", text)
		switch {
		case want == "" && len(got) > 0:
			t.Errorf("%q: found %q", text, got)
		case want != "" && (len(got) != 1 || !strings.Contains(got[0], want)):
			t.Errorf("%q: found %q, want one that names %q", text, got, want)
		}
	}
}

var (
	settingPath   = regexp.MustCompile(`dossier:settings\.([A-Za-z0-9.]+)`)
	settingName   = regexp.MustCompile(`^[a-z]\w*$`)
	parameterName = regexp.MustCompile(`/dossier/(?:<stack>|dev|prod)/([a-z0-9/-]*[a-z0-9])`)
	stackOutput   = regexp.MustCompile(`pulumi stack output (?:--[a-z-]+ )*([A-Za-z]+)`)
	goRun         = regexp.MustCompile(`go run ([\w.-]+/[\w./-]+)([^|<>&;]*)`)
	makeCall      = regexp.MustCompile(`(?:^|&& )make ((?:[a-z-]+ ?)+)`)
	programCall   = regexp.MustCompile(`(?:^|&& |; )(?:bin/)?dossier((?: [a-z]+)*)((?: \[?--?[^\s\]]+\]?| \S+)*)`)
	flagName      = regexp.MustCompile(`--[a-z][a-z-]*`)
	filePath      = regexp.MustCompile(`^(?:(?:app|infra|plan|tools|docs|\.github|\.ci)(?:/[\w.*-]+)+/?|` +
		`Makefile|Dockerfile|[A-Z]+\.md|go\.work|compose\.yaml|Pulumi(?:\.\w+)?\.yaml)$`)
	link         = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan     = regexp.MustCompile("`([^`]+)`")
	notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// dead are the references of a document that lead nowhere, with their line.
func (k known) dead(name, text string) []string {
	var found []string
	for _, f := range fragments(text) {
		problems := k.code
		if f.prose {
			problems = func(line string) []string { return links(name, text, line) }
		}
		for _, problem := range problems(f.text) {
			found = append(found, fmt.Sprintf("%s:%d: %s", name, f.line, problem))
		}
	}
	return found
}

// fragment is a piece of a document: a line of a block of code, a span of code, or a line of prose, in which only links
// count.
type fragment struct {
	line  int
	text  string
	prose bool
}

func fragments(text string) (all []fragment) {
	block := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			block = !block
		case block:
			code, _, _ := strings.Cut(" "+line, " #") // a comment
			all = append(all, fragment{i + 1, strings.TrimSpace(code), false})
		default:
			all = append(all, fragment{i + 1, line, true})
			for _, span := range firsts(codeSpan, line) {
				all = append(all, fragment{i + 1, span, false})
			}
		}
	}
	return all
}

// code checks a piece of code.
func (k known) code(code string) (dead []string) {
	add := func(format string, args ...any) { dead = append(dead, fmt.Sprintf(format, args...)) }
	for _, m := range firsts(makeCall, code) {
		for target := range strings.FieldsSeq(m) {
			if !k.targets[target] {
				add("there is no target make %s", target)
			}
		}
	}
	dead = append(dead, k.programs(code)...)
	for _, variable := range variableName.FindAllString(code, -1) {
		if !k.variables[variable] {
			add("there is no variable %s", variable)
		}
	}
	for _, key := range firsts(settingPath, code) {
		if !k.keys[key] && !slices.Contains(k.groups, key) {
			add("there is no setting %s", key)
		}
	}
	for _, name := range firsts(parameterName, code) {
		if !k.names[name] {
			add("there is no parameter and no log group %s", parameterName.FindString(code))
		}
	}
	for _, output := range firsts(stackOutput, code) {
		if !k.exports[output] {
			add("there is no output %s", output)
		}
	}
	for word := range strings.FieldsFuncSeq(code, func(r rune) bool { return strings.ContainsRune(" \t\"'(),;=", r) }) {
		word = strings.TrimPrefix(strings.TrimRight(word, ":."), "./")
		group, rest, nested := strings.Cut(word, ".")
		if nested && slices.Contains(k.groups, group) && settingName.MatchString(rest) && !k.keys[word] {
			add("there is no setting %s", word)
		}
		if filePath.MatchString(word) && !exists(word) {
			add("there is no file %s", word)
		}
	}
	return dead
}

// programs checks the calls of the repository's programs in a piece of code.
func (k known) programs(code string) (dead []string) {
	add := func(format string, args ...any) { dead = append(dead, fmt.Sprintf(format, args...)) }
	for _, m := range programCall.FindAllStringSubmatch(code, -1) {
		words := strings.Fields(m[1])
		switch {
		case len(words) == 0 && strings.TrimSpace(m[2]) == "":
		case len(words) > 0 && !k.commands[words[0]],
			len(words) > 1 && words[0] == "migrate" && !k.commands["migrate "+words[1]]:
			add("there is no command dossier %s", strings.Join(words, " "))
		default:
			for _, flag := range flagName.FindAllString(m[2], -1) {
				if !k.flags["dossier"][flag] {
					add("dossier %s has no flag %s", strings.Join(words, " "), flag)
				}
			}
		}
	}
	for _, m := range goRun.FindAllStringSubmatch(code, -1) {
		folder, ours := k.program(m[1])
		switch {
		case !ours:
		case !isProgram(folder):
			add("there is no program %s", folder)
		default:
			for _, flag := range flagName.FindAllString(m[2], -1) {
				if flags, told := k.flags[folder]; told && !flags[flag] {
					add("%s has no flag %s", folder, flag)
				}
			}
		}
	}
	return dead
}

// links checks the links of a line of prose.
func links(name, text, line string) (dead []string) {
	for _, target := range firsts(link, line) {
		file, anchor, _ := strings.Cut(target, "#")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		if file != "" {
			file = path.Join(path.Dir(name), file)
			if !exists(file) {
				dead = append(dead, "there is no file "+file)
				continue
			}
			raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			if err != nil {
				continue // a folder
			}
			text = string(raw)
		}
		if anchor != "" && !slices.Contains(anchors(text), anchor) {
			dead = append(dead, fmt.Sprintf("there is no heading #%s in %s", anchor, cmp.Or(file, name)))
		}
	}
	return dead
}

// anchors are what GitHub makes of the headings of a document.
func anchors(text string) (all []string) {
	for line := range strings.Lines(text) {
		if heading := strings.TrimLeft(line, "#"); heading != line && strings.HasPrefix(heading, " ") {
			words := strings.ToLower(notInAnchors.ReplaceAllString(strings.TrimSpace(heading), ""))
			all = append(all, strings.ReplaceAll(words, " ", "-"))
		}
	}
	return all
}
