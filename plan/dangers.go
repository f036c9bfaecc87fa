package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// Danger is one thing that nobody may overlook.
type Danger struct {
	// What is a sentence: what happens to which resource, and what that means.
	What string `json:"what"`
	// Resource is the kind and name, empty where it is of no one resource.
	Resource string `json:"resource,omitempty"`
	// Kind is a word or two that dangers are counted by where all of them would be too long.
	Kind string `json:"kind"`
}

// holding are the types that hold what cannot be made again, with what it is.
var holding = map[string]string{
	"aws:dynamodb/table:Table":         "its records",
	"aws:ebs/volume:Volume":            "its data",
	"aws:efs/fileSystem:FileSystem":    "its files",
	"aws:kms/key:Key":                  "the key, and with it everything encrypted with it",
	"aws:rds/cluster:Cluster":          "its data",
	"aws:rds/instance:Instance":        "its data",
	"aws:s3/bucket:Bucket":             "its objects",
	"aws:s3/bucketV2:BucketV2":         "its objects",
	"aws:secretsmanager/secret:Secret": "the secret",
	"aws:sqs/queue:Queue":              "its messages",
}

// addressed are the types by which others outside the stack know it, with what they know.
var addressed = map[string]string{
	"aws:ec2/eip:Eip":                  "its address, which others may have allowed",
	"aws:lb/loadBalancer:LoadBalancer": "its DNS name; without a domain that is the site's address",
	"aws:route53/record:Record":        "the name, for a while at least",
	"aws:route53/zone:Zone":            "its name servers, and with them all names",
}

// founding are the types that others stand in or come from, with what a new one means.
var founding = map[string]string{
	"aws:autoscaling/group:Group": "all instances stop at once, and new ones must start before it serves again",
	"aws:ec2/vpc:Vpc": "everything in it has to move, which AWS refuses for a database and for " +
		"addresses that are in use",
}

// guards are properties that protect: what each is when it does. An absent one counts as the default of AWS and the
// provider.
var guards = []struct {
	token, path string
	on          bool
	absent      bool
	means       string
}{
	{"aws:rds/instance:Instance", "deletionProtection", true, false, "AWS no longer refuses to delete it"},
	{"aws:rds/instance:Instance", "skipFinalSnapshot", false, false, "no snapshot is left when it is deleted"},
	{"aws:rds/instance:Instance", "storageEncrypted", true, false, "its storage is not encrypted"},
	{"aws:rds/instance:Instance", "publiclyAccessible", false, false, "it gets a public address"},
	{"aws:rds/instance:Instance", "multiAz", true, false, "no standby takes over when its zone fails"},
	{"aws:rds/instance:Instance", "deleteAutomatedBackups", false, true, "its backups are deleted with it"},
	{"aws:rds/cluster:Cluster", "deletionProtection", true, false, "AWS no longer refuses to delete it"},
	{"aws:dynamodb/table:Table", "deletionProtectionEnabled", true, false, "AWS no longer refuses to delete it"},
	{"aws:dynamodb/table:Table", "pointInTimeRecovery.enabled", true, false,
		"it can no longer be restored to an earlier point in time"},
	{"aws:s3/bucketV2:BucketV2", "forceDestroy", false, false,
		"it is emptied and deleted instead of refusing deletion"},
	{"aws:lb/loadBalancer:LoadBalancer", "enableDeletionProtection", true, false, "AWS no longer refuses to delete it"},
	{"aws:lb/loadBalancer:LoadBalancer", "internal", true, false, "it faces the internet"},
	{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "blockPublicAcls", true, false,
		"the bucket can be opened to everyone"},
	{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "blockPublicPolicy", true, false,
		"the bucket can be opened to everyone"},
	{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "ignorePublicAcls", true, false,
		"the bucket can be opened to everyone"},
	{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "restrictPublicBuckets", true, false,
		"the bucket can be opened to everyone"},
}

// interruptions are changes in place that stop what serves, by type and input
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html,
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-resize.html).
var interruptions = map[string]map[string]string{
	"aws:rds/instance:Instance": {
		"instanceClass": "the database restarts on other hardware",
		"engineVersion": "the database is upgraded, which takes it down for many minutes and cannot be undone " +
			"except with a snapshot",
		"identifier":         "the database restarts under another name, and its address changes",
		"parameterGroupName": "the database restarts",
		"storageType":        "the database is slow, or unavailable, while its storage is converted",
	},
	"aws:ec2/instance:Instance": {
		"instanceType": "the instance is stopped and started", "ebsOptimized": "the instance is stopped and started",
		"userData": "the instance is stopped and started", "userDataBase64": "the instance is stopped and started",
	},
}

// dangers finds what is dangerous in an environment, the gravest first.
func dangers(e *Environment, base, head *graph.Graph) []Danger {
	var found []Danger
	tell := func(kind string, of fmt.Stringer, format string, args ...any) {
		d := Danger{Kind: kind, What: fmt.Sprintf(format, args...)}
		if of != nil {
			d.Resource = of.String()
		}
		found = append(found, d)
	}
	var guarded []string
	for _, c := range e.Changes {
		if c.Action != Delete && c.Action != Replace {
			continue
		}
		kind, does := "deleted", "is deleted"
		if c.Action == Replace {
			kind, does = "replaced", "is replaced by a new, empty one"+because(c)
		}
		holds, data := holding[c.Type]
		lost, address := addressed[c.Type]
		switch {
		case c.Kept:
		case data:
			tell("data "+kind, c, "**%s** `%s` %s, and %s with it%s.", c.Kind, c.Name, does, holds, refusal(base, c))
		case address:
			tell("address "+kind, c, "**%s** `%s` %s, and with it %s.", c.Kind, c.Name,
				strings.Replace(does, "a new, empty one", "a new one", 1), lost)
		case founding[c.Type] != "":
			tell("foundation "+kind, c, "**%s** `%s` %s: %s.", c.Kind, c.Name,
				strings.Replace(does, "a new, empty one", "a new one", 1), founding[c.Type])
		case protected(base, c):
			guarded = append(guarded, "`"+c.String()+"`")
		}
	}
	if len(guarded) > 0 {
		tell("protected resources", nil, "Deleted or replaced although **protected**, which Pulumi refuses, so "+
			"the whole deployment fails: %s.", strings.Join(guarded, ", "))
	}
	found = append(found, unguarded(base, head)...)
	for _, r := range e.Reach {
		if r.Change != Added || r.From != graph.Internet && r.From != graph.Operators {
			continue
		}
		from := "Anyone on the **internet**"
		if r.From == graph.Operators {
			from = "**Addresses outside** (" + r.Via + ")"
		}
		tell("open to the outside", nil, "%s can now reach **%s** on %s.", from, r.To,
			strings.TrimSpace(r.Protocol+" "+r.Ports))
	}
	found = append(found, broken(e.Policy)...)
	for _, role := range e.Roles {
		var wide []string
		for _, g := range role.Grants {
			if g.Change == Added && g.Wide() && base != nil {
				wide = append(wide, fmt.Sprintf("`%s` on `%s`", g.Action, g.Resource))
			}
		}
		if len(wide) > 0 {
			tell("wide permission", nil, "Role `%s` may %s.", role.Name, strings.Join(wide, ", "))
		}
	}
	for _, c := range e.Changes {
		if c.Action != Update {
			continue
		}
		if c.Unsure {
			tell("not known", c, "**%s** `%s` changes, but whether in place or by replacement is unknown: its "+
				"type is not in the table of what needs a replacement.", c.Kind, c.Name)
		}
		var stops []string
		for _, p := range c.Properties {
			key, _, _ := strings.Cut(position.ReplaceAllString(p.Path, ""), ".")
			if what := interruptions[c.Type][key]; what != "" {
				stops = append(stops, fmt.Sprintf("%s (`%s`: %s → %s)", what, p.Path, p.Before, p.After))
			}
		}
		if len(stops) > 0 {
			tell("interruption", c, "**%s** `%s`: %s.", c.Kind, c.Name, strings.Join(stops, "; "))
		}
		if base != nil {
			if why := majorUpgrade(base.ByURN(c.URN), head.ByURN(c.URN)); why != "" {
				tell("refused by AWS", c, "**%s** `%s`: %s, so the deployment fails halfway.", c.Kind, c.Name,
					why)
			}
		}
	}
	return found
}

// majorUpgrade returns why AWS refuses the engine version of a database: another major one has to be allowed by name,
// and none goes back (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html). Empty: it does not.
func majorUpgrade(was, is *graph.Resource) string {
	if was == nil || is == nil || is.Token != "aws:rds/instance:Instance" {
		return ""
	}
	from, to := majorVersion(was), majorVersion(is)
	switch {
	case from == nil || to == nil || slices.Equal(from, to):
		return ""
	case slices.Compare(to, from) < 0:
		return "AWS does not downgrade a database to an earlier major version"
	case !graph.Is(is.Input("allowMajorVersionUpgrade"), true):
		return "AWS refuses another major version unless `allowMajorVersionUpgrade` is true"
	}
	return ""
}

// majorVersion is the first two numbers of MySQL's and MariaDB's versions, the first one of PostgreSQL's; nil where it
// is not known.
func majorVersion(database *graph.Resource) []int {
	numbers := 2
	if strings.Contains(graph.Text(database.Input("engine")), "postgres") {
		numbers = 1
	}
	var major []int
	for part := range strings.SplitSeq(graph.Text(database.Input("engineVersion")), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		if major = append(major, n); len(major) == numbers {
			return major
		}
	}
	return nil
}

// broken are the rules that base keeps, or is not asked, and head does not, each once for a resource.
func broken(p Policy) []Danger {
	var found []Danger
	messages := map[[2]string][]string{}
	var order [][2]string
	for _, v := range p.Broken {
		if v.Before {
			continue
		}
		at := [2]string{v.Rule, v.Resource}
		if messages[at] == nil {
			order = append(order, at)
		}
		messages[at] = append(messages[at], v.Message)
	}
	for _, at := range order {
		found = append(found, Danger{Kind: "rules broken", Resource: at[1],
			What: fmt.Sprintf("Rule **%s** is broken%s: %s.", at[0], of(at[1]), strings.Join(messages[at], "; "))})
	}
	return found
}

func of(resource string) string {
	if resource == "" {
		return ""
	}
	return " by `" + resource + "`"
}

// because names the inputs that a replacement comes from.
func because(c Change) string {
	var paths []string
	for _, p := range c.Properties {
		if p.Replaces && !slices.Contains(paths, "`"+p.Path+"`") {
			paths = append(paths, "`"+p.Path+"`")
		}
	}
	if len(paths) == 0 {
		return ""
	}
	if len(paths) > 3 {
		paths = append(paths[:3], "…")
	}
	return " (because of " + strings.Join(paths, ", ") + ")"
}

func before(base *graph.Graph, c Change) *graph.Resource {
	if base == nil {
		return nil
	}
	return base.ByURN(c.URN)
}

func protected(base *graph.Graph, c Change) bool {
	old := before(base, c)
	return old != nil && old.Options.Protect
}

// refusal tells what stands in the way of a deletion as things are deployed.
func refusal(base *graph.Graph, c Change) string {
	old := before(base, c)
	switch {
	case old == nil:
	case old.Options.Protect:
		return "; Pulumi refuses, because it is protected, and the whole deployment fails"
	case graph.Is(old.Input("deletionProtection"), true), graph.Is(old.Input("deletionProtectionEnabled"), true):
		return "; AWS refuses, because of its deletion protection, and the deployment stops halfway"
	case strings.HasPrefix(c.Type, "aws:s3/bucket") && !graph.Is(old.Input("forceDestroy"), true):
		return "; AWS refuses while it contains objects, and the deployment stops halfway"
	}
	return ""
}

// unguarded finds protection that is turned off, all of a resource in one.
func unguarded(base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	var found []Danger
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil {
			continue
		}
		var lost []string
		for _, g := range guards {
			if g.token != now.Token {
				continue
			}
			on := func(r *graph.Resource) bool {
				v := r.Input(g.path)
				if v == nil {
					return g.absent == g.on
				}
				return graph.Is(v, g.on)
			}
			if on(old) && !on(now) {
				lost = append(lost, fmt.Sprintf("%s (`%s`: %s → %s)", g.means, g.path, orUnset(old.Input(g.path)),
					orUnset(now.Input(g.path))))
			}
		}
		_, holds := holding[now.Token]
		if holds && old.Options.Protect && !now.Options.Protect {
			lost = append(lost, "Pulumi no longer refuses to delete it (option `protect`)")
		}
		if was, ok := graph.Number(old.Input("backupRetentionPeriod")); ok && now.Token == "aws:rds/instance:Instance" {
			if is, _ := graph.Number(now.Input("backupRetentionPeriod")); is < was {
				lost = append(lost, fmt.Sprintf("backups are kept for %g days instead of %g", is, was))
			}
		}
		if path := "versioningConfiguration.status"; now.Token == "aws:s3/bucketVersioningV2:BucketVersioningV2" &&
			old.Input(path) == "Enabled" && now.Input(path) != "Enabled" {
			lost = append(lost, "objects that are overwritten or deleted in the bucket are lost at once")
		}
		if len(lost) > 0 {
			found = append(found,
				Danger{Kind: "protection off", Resource: now.String(),
					What: fmt.Sprintf("**%s** `%s`: %s.", kindOf(now), now.Name, strings.Join(lost, "; "))})
		}
	}
	return found
}

func kindOf(r *graph.Resource) string { return r.Token[strings.LastIndexByte(r.Token, ':')+1:] }

func orUnset(v any) string {
	if v == nil {
		return "not set"
	}
	if text := graph.Text(v); text != "" {
		return text
	}
	return fmt.Sprint(v)
}
