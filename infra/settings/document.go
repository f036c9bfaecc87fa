package settings

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dossier.example/app/setting"
)

//go:generate go test . -run ^TestDocument$ -update

// Document is docs/settings.md: all keys with their defaults, and the rules over several of them.
func Document() string {
	var b strings.Builder
	b.WriteString(`# Settings

<!-- Generated from infra/settings by "go generate"; change it there. -->

An environment is a Pulumi stack, and its settings are one object, ` + "`" + Key + "`" + `, in
` + "`Pulumi.<stack>.yaml`" + `. All of them have defaults, from one of two presets; you can override any of them:

` + "```yaml" + `
config:
  aws:region: eu-central-1
  dossier:settings:
    preset: dev
    network:
      zones: 3
` + "```" + `

or by command, where a dot leads into a group:

` + "```" + `
pulumi config set --path dossier:settings.network.zones 3
pulumi config set --path 'dossier:settings.jump.operatorCIDRs[0]' 203.0.113.0/24
` + "```" + `

- A number or a boolean may also be written as text: ` + "`3` and `\"3\"`" + ` are the same. A list may be one text
  with commas. Empty text means none, for the keys of ` + "`site`, `service.image`, `jump.operatorCIDRs`,\n" +
		"  `observe.email`, `access.boundary` and `staff.poolDomain`" + `.
- Unknown keys, keys without a value, invalid values and invalid combinations are all reported at once, before
  anything is changed. So is every other key that begins with ` + "`dossier:`" + `, because nobody would read it.
- None of these is a secret; the program generates all secrets. A value set with ` + "`--secret`" + ` is accepted, and
  then no message shows any value, but it is stored unencrypted in the state and in AWS.
- ` + "`aws:region`" + ` is required, one of the standard partition (not China, not GovCloud). ` +
		"`aws:defaultTags`" + ` puts
  up to 10 tags on what the program creates, also on the instances and volumes that an organization's policies may
  refuse without them. ` + "`Pulumi.dev.yaml`" + ` shows those that these have in any case.
  With ` + "`Project: dossier`, the tag `Stack`" + ` must be the name of the stack. The policies of
  ` + "`make deploy-policy`" + ` need both tags.
- Credentials come from the environment or from ` + "`aws:profile`" + `. Keys that only Pulumi's provider would use are
  refused (` + "`aws:assumeRole`, `aws:accessKey`, `aws:endpoints`" +
		` and the like): the program calls AWS itself, too.
`)
	fmt.Fprintf(&b, "- The name of a stack has 1 to %d lower-case letters, digits and single hyphens: "+
		"`dossier-<stack>` is the database's identifier, of which RDS allows 63\n  characters.\n", maxStack)

	table := keys()
	section := func(title, group string) {
		fmt.Fprintf(&b, "\n## %s\n\n| Key | `dev` | `prod` | Meaning |\n| --- | --- | --- | --- |\n", title)
		for _, k := range table {
			if of, _, nested := strings.Cut(k.name, "."); nested != (group != "") || nested && of != group {
				continue
			}
			dev, prod := setting.Code(k.dev), setting.Code(k.prod)
			if k.otherwise != "" {
				dev, prod = k.otherwise, k.otherwise
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s Allowed: %s. |\n", setting.Code(k.name), setting.Cell(dev),
				setting.Cell(prod), setting.Cell(k.doc),
				setting.Cell(k.Allowed))
		}
	}
	section("The environment", "")
	for _, group := range groups(table) {
		section(titles[group], group)
	}

	b.WriteString(`
## Together

Rules that involve several keys. A message shows the calculation and what to change.

`)
	for _, r := range rules() {
		names := make([]string, len(r.keys))
		for i, k := range r.keys {
			names[i] = setting.Code(k)
		}
		b.WriteString(item(r.says + " (" + strings.Join(names, ", ") + ")"))
	}
	b.WriteString(`
## Connections by class

The largest value of ` + "`database.connections`" + `, by the rule above, for some classes. AWS does not document how
much memory a server has for connections; these numbers stay below the defaults of RDS.

| Class | Memory | Connections |
| --- | --- | --- |
`)
	for _, class := range []string{
		"db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.t4g.xlarge", "db.m7g.large",
		"db.m7g.xlarge", "db.m7g.2xlarge", "db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge",
	} {
		fmt.Fprintf(&b, "| `%s` | %g GiB | %d |\n", class, classMemory(class), classConnections(class))
	}
	return b.String()
}

// titles are the headings of the groups.
var titles = map[string]string{
	"network": "Network", "site": "Site", "service": "Service", "database": "Database", "jump": "Jump server",
	"storage": "Storage", "observe": "Logs and alarms",
	"access": "Roles", "staff": "Sign-in of staff",
}

// item writes an item of a list, in lines of up to 120 columns where its words allow it.
func item(text string) string {
	lines, columns := "-", 1
	for word := range strings.FieldsSeq(text) {
		if columns += 1 + utf8.RuneCountInString(word); columns > 120 {
			lines, columns = lines+"\n ", 2+utf8.RuneCountInString(word)
		}
		lines += " " + word
	}
	return lines + "\n"
}
