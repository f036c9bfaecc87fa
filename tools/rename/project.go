package main

import (
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// project is what tells one project from another.
type project struct {
	// name is the one that programs use: "acme" for the package, the command and its folder, resources, users and databases, and in
	// capitals for variables.
	name string
	// module is the path below which the Go modules are: "github.com/acme/files" of github.com/acme/files/app.
	module string
	// title is what people read in pages and documents: "Acme".
	title string
}

// capital returns the name as identifiers have it: "Acme".
func capital(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// limits are those of the services on names that begin with the project's, with the longest name that the stack makes under each.
// Where Pulumi makes a name unique it adds a hyphen and seven digits.
var limits = []struct {
	what   string
	suffix string
	most   int
}{
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
	{"the administrator of an RDS database", "_admin", 16},
	// infra/settings leaves 52 characters to the stack's name.
	{"a database on RDS", "-" + strings.Repeat("s", 52), 63},
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
	{"a load balancer or target group", "-site-0123456", 32},
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	{"an S3 bucket", "-storage-releases-0123456", 63},
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	{"an IAM role", "-network-flow-0123456", 64},
	// https://dev.mysql.com/doc/refman/8.4/en/user-names.html; the stack numbers its users
	{"a MySQL user", "_99", 32},
	// useradd(8)
	{"a Linux user", "", 32},
}

// longest returns how long a name may be, and the limit that says so.
func longest() (letters int, because string) {
	letters = 64
	for _, l := range limits {
		if left := l.most - len(l.suffix); left < letters {
			letters, because = left, fmt.Sprintf("%s may have %d and is called <name>%s", l.what, l.most, l.suffix)
		}
	}
	return letters, because
}

// reserved are names that would mean something else to what they are given to. A word that the repository uses is refused anyway.
var reserved = map[string][]string{
	"is a user or a service of Amazon Linux": {
		"adm", "bin", "chrony", "chronyd", "crond", "daemon", "dbus", "ftp", "games", "halt", "lp", "mail", "nobody", "ntp", "operator",
		"polkit", "polkitd", "postfix", "root", "rpc", "rpcuser", "rsyslog", "shutdown", "sshd", "sync", "systemd", "tss", "wheel",
	},
	"is MySQL's or RDS's own":                 {"mysql", "performance", "rds", "rdsadmin", "sys"},
	"has a meaning to Go":                     {"cgo", "init", "internal", "main", "testdata", "unsafe", "vendor"},
	"cannot be the name of a file on Windows": {"aux", "con", "nul", "prn"},
	"begins names that AWS keeps to itself":   {"sg", "sthree"},
}

const example = "make new NAME=acme MODULE=github.com/acme/files"

var (
	nameForm  = regexp.MustCompile(`\A[a-z][a-z0-9]+\z`)
	titleForm = regexp.MustCompile(`\A[A-Z][A-Za-z0-9]*([ -][A-Za-z0-9]+)*\z`)
)

// maxTitle keeps the title on one line of a page's head.
const maxTitle = 40

// check says what is wrong with a new project's names, all of it.
func (p project) check(t *tree) error {
	if p.name == "" || p.module == "" {
		return errors.New("NAME and MODULE are needed: " + example)
	}
	return errors.Join(p.checkName(t), p.checkModule(t), p.checkTitle(t))
}

func (p project) checkName(t *tree) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("NAME=%s: %s", p.name, fmt.Sprintf(format, args...))
	}
	most, because := longest()
	switch {
	case !nameForm.MatchString(p.name):
		return bad("must be lower-case letters and digits, at least two of them, a letter first, such as NAME=acme: a Go package, a MySQL user and, "+
			"in capitals, variables of the environment have it too, and none of them may have a hyphen; choose another, and give what people read as TITLE=%q", "Acme Files")
	case len(p.name) > most:
		return bad("has %d characters and may have %d, for %s; choose a shorter one", len(p.name), most, because)
	case p.name == t.project.name:
		return nil
	case token.IsKeyword(p.name) || types.Universe.Lookup(p.name) != nil:
		return bad("is a word of the language Go, in which a package has this name; choose another")
	case strings.HasPrefix(p.name, "aws"), strings.HasPrefix(p.name, "ssm"):
		return bad("must not begin with aws or ssm, which Parameter Store refuses as the first letters of a parameter's path; choose another")
	}
	for why, names := range reserved {
		if slices.Contains(names, p.name) {
			return bad("%s; choose another", why)
		}
	}
	if where := t.find(wordsOf(project{name: p.name}, nil)); where != "" {
		return bad("is a word that the repository uses already (%s), and nobody could tell the two apart; choose another", where)
	}
	return nil
}

func (p project) checkModule(t *tree) error {
	if err := module.CheckPath(p.module + "/app"); err != nil {
		var invalid *module.InvalidPathError
		if errors.As(err, &invalid) {
			err = invalid.Err
		}
		return fmt.Errorf("MODULE=%s: is not a path of a Go module (%w); give the place of the repository without https://, such as MODULE=github.com/acme/files", p.module, err)
	}
	if _, major, ok := module.SplitPathVersion(p.module); !ok || major != "" {
		return fmt.Errorf("MODULE=%s: ends in a version, which a module below it must not have in its midst; leave it out", p.module)
	}
	if p.module == t.project.module {
		return nil
	}
	if where := t.find(wordsOf(project{module: p.module}, t.rooms)); where != "" {
		return fmt.Errorf("MODULE=%s: the repository uses this path already for something else (%s); choose another", p.module, where)
	}
	return nil
}

func (p project) checkTitle(t *tree) error {
	switch {
	case p.title == capital(p.name): // What is wrong with it, is wrong with the name.
		return nil
	case !titleForm.MatchString(p.title) || len(p.title) > maxTitle:
		return fmt.Errorf("TITLE=%q: must be at most %d letters and digits of ASCII, with single spaces or hyphens between words and a capital letter first, "+
			"such as TITLE=%q: it stands unquoted in pages, YAML and systemd units", p.title, maxTitle, "Acme Files")
	case p.title == t.project.title:
		return nil
	}
	if where := t.find(wordsOf(project{title: p.title}, nil)); where != "" {
		return fmt.Errorf("TITLE=%q: stands in the repository already (%s), and nobody could tell the two apart; choose another", p.title, where)
	}
	return nil
}
