package cli

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier.example/plan/internal/apart"
)

// behaving is a program that does in each stack what that one's configuration asks for.
const behaving = `package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

var owner = "one"

func main() {
	if os.Getenv("PULUMI_STACK") == "nothing" {
		return
	}
	pulumi.Run(func(ctx *pulumi.Context) error {
		topic := func(name string, in pulumi.Map, opts ...pulumi.ResourceOption) (pulumi.CustomResourceState, error) {
			var topic pulumi.CustomResourceState
			return topic, ctx.RegisterResource("aws:sns/topic:Topic", name, in, &topic, opts...)
		}
		now := time.Now()
		switch ctx.Stack() {
		case "settled":
			_, err := topic("topic", pulumi.Map{"tags": pulumi.StringMap{"owner": pulumi.String(owner)}})
			return err
		case "clock":
			made, err := topic("topic", pulumi.Map{"name": pulumi.String("built-" + now.Format("2006-01-02")),
				"tags": pulumi.StringMap{"at": pulumi.String(now.Format(time.RFC3339)), "owner": pulumi.String(owner)}})
			if err != nil {
				return err
			}
			ctx.Export("year", pulumi.Int(now.Year()))
			_, err = topic("other", pulumi.Map{"displayName": made.ID(),
				"policy": pulumi.String("# made " + now.String() + "\nfor " + owner)})
			return err
		case "chance":
			var text [8]byte
			if _, err := rand.Read(text[:]); err != nil {
				return err
			}
			_, err := topic(fmt.Sprintf("topic-%x", text), pulumi.Map{})
			return err
		case "hangs":
			if err := exec.Command("sleep", "600").Start(); err != nil {
				return err
			}
			select {}
		case "panics":
			var thing struct{}
			if err := ctx.Invoke("other:index:getThing", nil, &thing); err != nil {
				return err
			}
			panic("on purpose")
		case "prints":
			for text := strings.Repeat("much", 1<<10); ; {
				fmt.Println(text)
			}
		case "takes":
			var all [][]byte
			for {
				part := make([]byte, 16<<20)
				for i := range part {
					part[i] = 1
				}
				all = append(all, part)
			}
		case "starts":
			for {
				if err := exec.Command("sleep", "600").Start(); err != nil {
					return err
				}
			}
		case "leaves":
			made, err := topic("topic", pulumi.Map{})
			if err != nil {
				return err
			}
			done := make(chan bool)
			made.URN().ApplyT(func(pulumi.URN) bool { close(done); return true })
			<-done
			os.Exit(0)
		case "fails":
			return errors.New("\x1b[2J\x1b]0;title\a\n## Plan: nothing changes\n" +
				"</details><img src=x>\n` + "```" + `\n::error::no")
		case "needs":
			_, err := topic("topic", pulumi.Map{"displayName": pulumi.String(config.Require(ctx, "behaving:size"))})
			return err
		case "reads":
			text, err := os.ReadFile(config.Get(ctx, "file"))
			return fmt.Errorf("it read %s, %v", text, err)
		}
		return nil
	})
}
`

// behavior is a repository with that program and a stack for each of the names.
func behavior(t *testing.T, stacks ...string) string {
	t.Helper()
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"main.go": behaving, "Pulumi.yaml": "name: behaving\nruntime: go\n",
		"go.mod": regexp.MustCompile(`(?m)^module .*$`).ReplaceAllLiteralString(string(text),
			"module example.org/behaving"), "go.sum": string(sums)}
	for _, stack := range stacks {
		files["Pulumi."+stack+".yaml"] = "config: {aws:region: us-east-1}"
	}
	dir := repository(t, files)
	gitIn(t, dir, "init", "--quiet", "--initial-branch=main")
	gitIn(t, dir, "add", "-A")
	gitIn(t, dir, "commit", "--quiet", "--message", "first")
	return dir
}

// planOf runs the command.
func planOf(t *testing.T, dir string, args ...string) (status int, out, log string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = Run(t.Context(), Project{}, append([]string{"--root", dir, "--base", "main"}, args...), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// says checks that a text has each of the others.
func says(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s: it does not say %q:\n%s", what, want, text)
		}
	}
}

// TestBehavior plans what the program does in each stack. All stacks are of one repository, so that one program is
// linked for them: that takes longer than a plan.
func TestBehavior(t *testing.T) {
	t.Parallel()
	dir := behavior(t, "settled", "clock", "chance", "hangs", "panics", "prints", "takes", "starts", "nothing",
		"leaves", "fails", "needs")
	t.Run("bounds", func(t *testing.T) { bounds(t, dir) })
	t.Run("a missing configuration", func(t *testing.T) { missingConfiguration(t, dir) })
	t.Run("interrupted", func(t *testing.T) { interrupted(t, dir) })
	t.Run("unsettled", func(t *testing.T) { unsettled(t, dir) })
}

// unsettled: what a program gives otherwise each time it runs is told, and is no change; what changes beside it is.
func unsettled(t *testing.T, dir string) {
	t.Helper()
	if _, out, _ := planOf(t, dir, "--stack", "settled"); strings.Contains(out, "the same each time") ||
		strings.Contains(out, "❓") {
		t.Errorf("a program that gives the same each time: %s", out)
	}
	const same = "It was so before this change, and as far as can be told nothing else of it changes."
	status, out, log := planOf(t, dir, "--stack", "clock")
	if status != StatusDangerous && status != StatusPolicy {
		t.Errorf("status %d: %s", status, log)
	}
	says(t, "the clock", out, "Not the same each time the program runs: `name` of `Topic topic`",
		"`tags.at` of `Topic topic`",
		"`policy` of `Topic other`", "the outputs `year`", same, "❓")
	for _, wrong := range []string{"### Changes", "replace Topic", "update Topic"} {
		if strings.Contains(out, wrong) {
			t.Errorf("the clock: it says %q, and nothing changes:\n%s", wrong, out)
		}
	}
	status, out, _ = planOf(t, dir, "--stack", "chance")
	if status == StatusClean {
		t.Errorf("chance: status %d", status)
	}
	says(t, "chance", out, "Not the same each time the program runs: the names of `Topic topic-",
		"Each deployment deletes them")

	replaceIn(t, dir, "main.go", `owner = "one"`, `owner = "two"`)
	_, out, _ = planOf(t, dir, "--stack", "clock")
	says(t, "a change beside the clock", out, "`tags.at` of `Topic topic`", same, "`tags.owner`",
		"update Topic `topic`",
		"update Topic `other`")
	gitIn(t, dir, "checkout", "--quiet", ".")
	replaceIn(t, dir, "main.go", `pulumi.StringMap{"owner": pulumi.String(owner)}`,
		`pulumi.StringMap{"owner": pulumi.String(now.String())}`)
	_, out, _ = planOf(t, dir, "--stack", "settled")
	says(t, "a clock that comes with the change", out, "update Topic `topic`",
		"`tags.owner` of `Topic topic`", "This change makes it so, and each deployment changes it.")
}

// bounds: a program that keeps to no bound gives a plan that says so.
func bounds(t *testing.T, dir string) {
	t.Helper()
	cases := []struct {
		stack string
		args  []string
		wants []string
	}{
		{"hangs", []string{"--time-limit", "3s"}, []string{"it had not ended after 3s and was stopped"}},
		{"panics", nil, []string{"on purpose", "it asked what only a deployment knows: other:index:getThing"}},
		{"prints", nil, []string{"it wrote more than 64 MB and was stopped"}},
		{"takes", []string{"--memory-limit", "512"}, []string{"512 MB of memory"}},
		{"nothing", nil, []string{"it ended with status 0 and registered nothing"}},
		{"leaves", nil, []string{"it exited with status 0 in the middle"}},
		{"fails", nil, []string{"title", "## Plan: nothing changes"}},
	}
	if apart.Isolated() == "" {
		more := cases[0]
		more.stack, more.args, more.wants = "starts", nil, []string{"it started more than", "processes"}
		cases = append(cases, more)
	}
	for _, c := range cases {
		begun := time.Now()
		status, out, log := planOf(t, dir, append(c.args, "--stack", c.stack)...)
		if status != StatusProgram {
			t.Errorf("%s: status %d\n%s", c.stack, status, log)
		}
		says(t, c.stack, out, append(c.wants, fmt.Sprintf("no plan for %s", c.stack))...)
		if strings.ContainsAny(out+log, "\x1b\a\r") || strings.Contains(log, "\n::") ||
			len(out) > 64000 {
			t.Errorf("%s: it writes %q, %q", c.stack, out, log)
		}
		t.Logf("%s took %v", c.stack, time.Since(begun))
	}
	// One stack that keeps to none does not take the others away.
	status, out, _ := planOf(t, dir, "--stack", "panics", "--stack", "settled")
	if status != StatusProgram {
		t.Errorf("status %d", status)
	}
	says(t, "two stacks", out, "no plan for panics", "settled")
}
