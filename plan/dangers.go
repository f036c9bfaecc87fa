package plan

import (
	"cmp"
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
	// Source is the line of head's program that registers the resource, where that is known.
	Source graph.Source `json:"source,omitzero"`

	// undecided are the inputs of which it tells that nobody knows whether they change.
	undecided []string
}

// String returns the sentence.
func (d Danger) String() string { return d.What }

// holding are the types that hold what cannot be made again, with what it is.
var holding = map[string]string{
	"aws:dynamodb/table:Table":         "its records",
	"aws:ebs/volume:Volume":            "its data",
	"aws:efs/fileSystem:FileSystem":    "its files",
	keyType:                            "all that only the key decrypts",
	"aws:kms/replicaKey:ReplicaKey":    "all that only the key decrypts in its region",
	"aws:rds/cluster:Cluster":          "its data",
	"aws:rds/instance:Instance":        "its data",
	"aws:s3/bucket:Bucket":             "its objects",
	"aws:s3/bucketV2:BucketV2":         "its objects",
	"aws:secretsmanager/secret:Secret": "the secret",
	"aws:sqs/queue:Queue":              "its messages",

	"aws:backup/vault:Vault":                            "its backups",
	"aws:cloudwatch/logGroup:LogGroup":                  "its records",
	"aws:cognito/userPool:UserPool":                     "its users",
	"aws:docdb/cluster:Cluster":                         "its data",
	"aws:ebs/snapshot:Snapshot":                         "the snapshot",
	"aws:ecr/repository:Repository":                     "its images",
	"aws:elasticache/cluster:Cluster":                   "its data",
	"aws:elasticache/replicationGroup:ReplicationGroup": "its data",
	"aws:fsx/lustreFileSystem:LustreFileSystem":         "its files",
	"aws:fsx/windowsFileSystem:WindowsFileSystem":       "its files",
	"aws:kinesis/stream:Stream":                         "its records",
	"aws:msk/cluster:Cluster":                           "its records",
	"aws:neptune/cluster:Cluster":                       "its data",
	"aws:opensearch/domain:Domain":                      "its documents",
	"aws:rds/snapshot:Snapshot":                         "the snapshot",
	"aws:redshift/cluster:Cluster":                      "its data",
	"aws:secretsmanager/secretVersion:SecretVersion":    "this version of the secret",

	"aws:acmpca/certificateAuthority:CertificateAuthority":     "its key",
	"aws:cloudtrail/eventDataStore:EventDataStore":             "its records",
	"aws:codeartifact/repository:Repository":                   "its packages",
	"aws:codecommit/repository:Repository":                     "its code",
	"aws:docdb/clusterSnapshot:ClusterSnapshot":                "the snapshot",
	"aws:ebs/snapshotCopy:SnapshotCopy":                        "the snapshot",
	"aws:ecrpublic/repository:Repository":                      "its images",
	"aws:elasticache/serverlessCache:ServerlessCache":          "its data",
	"aws:fsx/ontapFileSystem:OntapFileSystem":                  "its files",
	"aws:fsx/ontapVolume:OntapVolume":                          "its files",
	"aws:fsx/openZfsFileSystem:OpenZfsFileSystem":              "its files",
	"aws:fsx/openZfsVolume:OpenZfsVolume":                      "its files",
	"aws:keyspaces/table:Table":                                "its records",
	"aws:lightsail/database:Database":                          "its data",
	"aws:lightsail/instance:Instance":                          "its disk",
	"aws:memorydb/cluster:Cluster":                             "its data",
	"aws:mq/broker:Broker":                                     "its messages",
	"aws:neptune/clusterSnapshot:ClusterSnapshot":              "the snapshot",
	"aws:opensearch/serverlessCollection:ServerlessCollection": "its documents",
	"aws:rds/clusterSnapshot:ClusterSnapshot":                  "the snapshot",
	"aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy":          "the snapshot",
	"aws:rds/snapshotCopy:SnapshotCopy":                        "the snapshot",
	"aws:redshiftserverless/namespace:Namespace":               "its data",
	"aws:s3/directoryBucket:DirectoryBucket":                   "its objects",
	"aws:s3tables/tableBucket:TableBucket":                     "its tables",
	"aws:timestreamwrite/table:Table":                          "its records",
	"aws:workspaces/workspace:Workspace":                       "its disks",
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
	groupsType: "all instances stop at once, and new ones must start before it serves again",
	"aws:ec2/vpc:Vpc": "everything in it has to move, which AWS refuses for a database and for " +
		"addresses that are in use",
}

// founded is what becomes of what stands in a resource or comes from it.
func founded(c Change) string {
	switch {
	case c.Type != groupsType || c.First:
		return founding[c.Type]
	case c.Action == Delete:
		return "all its instances stop, and no others start"
	case c.Existing != "":
		return "all its instances stop"
	}
	return "new instances start, and then all the former ones stop"
}

// guard is a property that protects: what it is when it does.
type guard struct {
	token, path string
	on          bool
	absent      bool
	means       string
}

// held reports whether the property protects a resource.
func (g guard) held(r *graph.Resource) bool {
	v := r.Input(g.path)
	if v == nil {
		return g.absent == g.on
	}
	return graph.Is(v, g.on)
}

// undeletable is what goes with a guard of AWS's own against deletion.
const undeletable = "AWS no longer refuses to delete it"

// guards are the properties that protect. An absent one counts as the default of AWS and the provider.
var guards = []guard{
	{"aws:rds/instance:Instance", "storageEncrypted", true, false, "its storage is not encrypted"},
	{"aws:dynamodb/table:Table", "pointInTimeRecovery.enabled", true, false,
		"it can no longer be restored to an earlier point in time"},
	{"aws:route53/zone:Zone", "forceDestroy", false, false,
		"it is deleted with all its names instead of refusing deletion"},
	{"aws:backup/vault:Vault", "forceDestroy", false, false,
		"it is deleted with all its backups instead of refusing deletion"},
	{"aws:ecr/repository:Repository", "forceDelete", false, false,
		"it is deleted with all its images instead of refusing deletion"},
	{"aws:lb/loadBalancer:LoadBalancer", "internal", true, false, "it faces the internet"},
	{"aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "blockPublicAcls", true, false,
		"the account's buckets can be opened to everyone"},
	{"aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "blockPublicPolicy", true, false,
		"the account's buckets can be opened to everyone"},
	{"aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "ignorePublicAcls", true, false,
		"the account's buckets can be opened to everyone"},
	{"aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock", "restrictPublicBuckets", true, false,
		"the account's buckets can be opened to everyone"},
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
		"parameterGroupName": unheld,
		"storageType":        "the database is slow, or unavailable, while its storage is converted",
	},
	auroraNodeType: {
		"instanceClass": "the instance restarts on other hardware, and another one writes meanwhile, if " +
			"there is one",
		"dbParameterGroupName": unheld,
	},
	"aws:ec2/instance:Instance": {
		"instanceType": "the instance is stopped and started", "ebsOptimized": "the instance is stopped and started",
		"userData": "the instance is stopped and started", "userDataBase64": "the instance is stopped and started",
	},
}

// unheld is of parameters, which AWS takes at once and leaves it to others to restart the database for
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.Associating.html).
const unheld = "the new parameters do not hold until somebody restarts it"

// besides is how a database changes by a blue/green deployment
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/blue-green-deployments-switching.html).
const besides = "a copy of the database is changed, and AWS switches over to it: connections break, and for a " +
	"minute or so nobody writes"

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
	found = append(found, lost(e, base)...)
	found = append(found, taken(e, base, head)...)
	found = append(found, unguarded(base, head)...)
	found = append(found, unciphered(base, head)...)
	found = append(found, scripted(e, base)...)
	found = append(found, reached(base, head)...)
	found = append(found, broken(e.Policy)...)
	gone := deleted(e.Changes)
	found = append(found, opened(base, head, gone)...)
	found = append(found, granted(e, base, head)...)
	found = append(found, unknownRoles(e, base, head)...)
	found = append(found, routed(base, head)...)
	found = append(found, rerouted(base, head, gone)...)
	found = append(found, changedInputs(e, base, head)...)
	found = append(found, handedOutAgain(base, head)...)
	found = append(found, walled(base, head, gone)...)
	found = append(found, contended(base, head)...)
	found = append(found, doubled(base, head)...)
	found = append(found, inUse(e, base, head)...)
	found = append(found, onto(base, head, found)...)
	found = append(found, heed(e.Options)...)
	for _, c := range e.Changes {
		if c.Action != Update {
			continue
		}
		found = append(found, unsure(c)...)
		var stops []string
		for _, p := range c.Properties {
			key, _, _ := strings.Cut(position.ReplaceAllString(p.Path, ""), ".")
			what := interruptions[c.Type][key]
			if key == "engineVersion" && earlier(p.Before, p.After) {
				continue // refused
			}
			if what == unheld && slices.ContainsFunc(c.Properties, func(p Property) bool {
				other := interruptions[c.Type][p.Path]
				return other != "" && other != unheld && p.Path != "storageType" // which restarts it
			}) {
				continue
			}
			if what != "" && c.Type == databaseType && graph.Is(head.ByURN(c.URN).Input("blueGreenUpdate.enabled"),
				true) {
				what = besides
			}
			if what != "" {
				stops = append(stops, fmt.Sprintf("%s (%s: %s → %s)", what, code(p.Path), cmp.Or(p.Before, "not set"),
					cmp.Or(p.After, "not set")))
			}
		}
		if len(stops) > 0 {
			tell("interruption", c, "**%s** %s: %s.", c.Kind, code(c.Name), strings.Join(stops, "; "))
		}
		if base != nil {
			if why := majorUpgrade(base.ByURN(c.URN), head.ByURN(c.URN)); why != "" {
				tell("refused by AWS", c, "**%s** %s: %s, so the deployment fails halfway.", c.Kind,
					code(c.Name), why)
			}
		}
	}
	return found
}

// deleted are the URNs of what is deleted.
func deleted(changes []Change) map[string]bool {
	gone := map[string]bool{}
	for _, c := range changes {
		if c.Action == Delete && !c.Kept {
			gone[c.URN] = true
		}
	}
	return gone
}

// lost are the dangers of what is deleted or replaced.
func lost(e *Environment, base *graph.Graph) []Danger {
	var found []Danger
	var guarded []string
	gone := deleted(e.Changes)
	for _, c := range e.Changes {
		if c.Action != Delete && c.Action != Replace {
			continue
		}
		if c.Existing != "" {
			found = append(found, exchanged(base, c))
			continue
		}
		tell := func(kind, format string, args ...any) {
			found = append(found, c.danger(kind, " "+format, args...))
		}
		kind, does, empty := "deleted", "is deleted", "a new, empty one"
		if c.Action == Replace {
			kind, does = "replaced", "is replaced by a new one"+because(c)
			if from := filled(c); from != "" {
				empty = "a new one with what " + code(from) + " gives"
			}
		}
		old := before(base, c)
		holds, data := holding[c.Type]
		lost, address := addressed[c.Type]
		loss, known := losses[c.Type]
		switch {
		case c.Kept && c.First:
			tell(refused, "is replaced%s, and AWS keeps the old one under the name that the new one is to have: it "+
				"refuses, and the deployment stops halfway.", because(c))
		case c.Kept && c.Action == Replace && data:
			tell("data left behind", "is replaced by a new, empty one%s; AWS keeps the old one with %s, and Pulumi "+
				"forgets it.", because(c), holds)
		case c.Kept && data && old != nil && old.Options.RetainOnDelete:
			tell("data left behind", "is no longer in the program; AWS keeps it with %s, and Pulumi forgets it.", holds)
		case c.Kept:
		case c.Action == Replace && c.Type == secretVersionType && !changes(c, "secretId"):
			tell(stops, "is replaced by a new one%s: the secret has another value, and whoever keeps the former one "+
				"fails.", because(c))
		case data:
			tell("data "+kind, "%s, and %s with it%s.", strings.Replace(does, "a new one", empty, 1),
				holds,
				refusal(base, c))
		case address:
			tell("address "+kind, "%s, and with it %s%s.", does, lost, refusal(base, c))
		case founding[c.Type] != "":
			tell("foundation "+kind, "%s: %s.", does, founded(c))
		case protected(base, c):
			guarded = append(guarded, code(c.String()))
		case known && (old == nil || !partGone(base, old, gone)) &&
			// A new permission, or grant, is there before the old one goes.
			(c.Action == Delete || loss.kind == stops && c.Type != permissionType && c.Type != grantType || c.First):
			tell(loss.kind, "%s: %s.", does, loss.what)
		case !known && !judgedGone(c.Type) && !styles(old):
			tell(notJudged, "%s: nothing here judges what that means for type %s.", does, code(c.Type))
		}
	}
	if len(guarded) > 0 {
		found = append(found, Danger{Kind: "protected resources", What: fmt.Sprintf("Deleted or replaced although "+
			"**protected**, which Pulumi refuses: %s. A preview stops at that; a deployment without one fails on the "+
			"way, after other changes were made.", strings.Join(guarded, ", "))})
	}
	return found
}

// majorUpgrade returns why AWS refuses the engine version of a database: another major one has to be allowed by name,
// and none goes back (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html,
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html). Empty: it does not.
func majorUpgrade(was, is *graph.Resource) string {
	if was == nil || is == nil || is.Token != databaseType && is.Token != auroraType {
		return ""
	}
	from, to := majorVersion(was), majorVersion(is)
	switch {
	case from == nil || to == nil:
		return ""
	case is.Token == auroraType && slices.Compare(to, from) <= 0: // told by its rule
		return ""
	case slices.Equal(from, to):
		if earlier(was.Input("engineVersion"), is.Input("engineVersion")) {
			return "AWS does not downgrade a database to an earlier version"
		}
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
		found = append(found, Danger{Kind: rulesBroken, Resource: at[1],
			What: fmt.Sprintf("Rule **%s** is broken%s: %s.", at[0], of(at[1]), strings.Join(messages[at], "; "))})
	}
	return found
}

func of(resource string) string {
	if resource == "" {
		return ""
	}
	return " by " + code(resource)
}

const secretVersionType = "aws:secretsmanager/secretVersion:SecretVersion"

// changes reports whether an input is among what a change is made of.
func changes(c Change, key string) bool {
	return slices.ContainsFunc(c.Properties, func(p Property) bool {
		return within(p.Path, []string{key}) &&
			!p.follows()
	})
}

// sources are the inputs that say what a new resource is filled with.
var sources = []string{"snapshotIdentifier", "snapshotArns", "snapshotName", "snapshotId", "snapshotArn",
	"restoreToPointInTime", "restoreSourceName", "restoreSourceTableArn", "replicateSourceDb", "s3Import",
	"importTable"}

// filled is the input by which a resource that is replaced gets what something else has.
func filled(c Change) string {
	for _, p := range c.Properties {
		key, _, _ := strings.Cut(position.ReplaceAllString(p.Path, ""), ".")
		if p.After != "" && slices.Contains(sources, key) {
			return key
		}
	}
	return ""
}

// because names the inputs that a replacement comes from.
func because(c Change) string {
	var paths []string
	for _, p := range c.Properties {
		if path := code(p.Path); p.Replaces && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	if len(paths) > 3 {
		paths = append(paths[:3], "…")
	}
	said := ""
	if c.by(Replaces) == fromCloudFormation {
		said = ", as " + fromCloudFormation + " does"
	}
	return " (because of " + strings.Join(paths, ", ") + said + ")"
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
	guarded := func(by func(g guard) bool) bool {
		return slices.ContainsFunc(guardsOf(c.Type), func(g guard) bool { return by(g) && g.held(old) })
	}
	who := "AWS"
	if !strings.HasPrefix(c.Type, "aws:") {
		who = "its provider"
	}
	switch {
	case old == nil:
	case old.Options.Protect:
		return "; Pulumi refuses, because it is protected, and the whole deployment fails"
	case graph.Is(old.Input("deletionProtection"), true), graph.Text(old.Input("deletionProtection")) == "ACTIVE",
		guarded(func(g guard) bool { return g.means == undeletable }):
		return "; " + who + " refuses, because of its deletion protection, and the deployment stops halfway"
	case contents[c.Type] != "" && !graph.Is(old.Input("forceDestroy"), true) &&
		!graph.Is(old.Input("forceDelete"), true):
		return "; AWS refuses while it contains " + contents[c.Type] + ", and the deployment stops halfway"
	}
	return ""
}

// contents are the types that AWS does not delete while they contain something.
var contents = map[string]string{
	"aws:backup/vault:Vault":        "backups",
	"aws:ecr/repository:Repository": "images",
	"aws:route53/zone:Zone":         "names that the program does not make",
	"aws:s3/bucketV2:BucketV2":      "objects",
	bucketType:                      "objects",
}

// unguarded finds protection that is turned off, all of a resource in one.
func unguarded(base, head *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	var found []Danger
	var released []string
	for _, now := range head.Resources {
		old := base.Was(now)
		if old == nil || now.Read {
			continue
		}
		var lost []string
		for _, g := range guardsOf(now.Token) {
			if g.held(old) && !g.held(now) && now.Input(g.path) != graph.Unknown {
				lost = append(lost, fmt.Sprintf("%s (`%s`: %s → %s)", g.means, g.path, orUnset(old.Input(g.path)),
					orUnset(now.Input(g.path))))
			}
		}
		if old.Options.RetainOnDelete && !now.Options.RetainOnDelete {
			lost = append(lost, "AWS no longer keeps it when the program drops it (option `retainOnDelete`)")
		}
		if old.Options.Protect && !now.Options.Protect && (now.Custom || len(lost) > 0) {
			lost = append(lost, "Pulumi no longer refuses to delete it (option `protect`)")
		}
		if _, holds := holding[now.Token]; len(lost) == 1 && !holds && old.Options.Protect && !now.Options.Protect {
			released = append(released, code(now.String()))
			continue
		}
		if len(lost) > 0 {
			found = append(found,
				Danger{Kind: "protection off", Resource: now.String(),
					What: fmt.Sprintf("**%s** %s: %s.", now.Kind(), code(now.Name),
						strings.Join(lost, "; "))})
		}
	}
	if len(released) > 0 {
		found = append(found, Danger{Kind: weakens, What: fmt.Sprintf("Pulumi no longer refuses to delete %s (option "+
			"`protect`).", strings.Join(few(released), ", "))})
	}
	return found
}

func orUnset(v any) string {
	if v == nil {
		return "not set"
	}
	if text := graph.Text(v); text != "" {
		return text
	}
	return fmt.Sprint(v)
}
