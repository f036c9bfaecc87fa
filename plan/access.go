package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
	"dossier.example/plan/internal/awsmodel"
)

// documents are the inputs that tell who may do what with a resource, or what a user or group may do.
var documents = map[string]string{
	"aws:backup/vaultPolicy:VaultPolicy":                 "policy",
	"aws:dynamodb/resourcePolicy:ResourcePolicy":         "policy",
	"aws:ec2/vpcEndpoint:VpcEndpoint":                    "policy",
	"aws:ecr/repositoryPolicy:RepositoryPolicy":          "policy",
	"aws:efs/fileSystemPolicy:FileSystemPolicy":          "policy",
	"aws:iam/groupPolicy:GroupPolicy":                    "policy",
	"aws:iam/policy:Policy":                              "policy",
	"aws:iam/userPolicy:UserPolicy":                      "policy",
	keyType:                                              "policy",
	keyPolicyType:                                        "policy",
	"aws:s3/bucketPolicy:BucketPolicy":                   "policy",
	"aws:s3/bucketV2:BucketV2":                           "policy",
	"aws:secretsmanager/secret:Secret":                   "policy",
	"aws:secretsmanager/secretPolicy:SecretPolicy":       "policy",
	"aws:sns/topic:Topic":                                "policy",
	"aws:sns/topicPolicy:TopicPolicy":                    "policy",
	"aws:sqs/queue:Queue":                                "policy",
	"aws:sqs/queuePolicy:QueuePolicy":                    "policy",
	"aws:opensearch/domainPolicy:DomainPolicy":           "accessPolicies",
	"aws:opensearch/domain:Domain":                       "accessPolicies",
	"aws:elasticsearch/domain:Domain":                    "accessPolicies",
	"aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",

	"aws:apigateway/restApi:RestApi":                    "policy",
	"aws:apigateway/restApiPolicy:RestApiPolicy":        "policy",
	"aws:cloudwatch/eventBusPolicy:EventBusPolicy":      "policy",
	"aws:ecr/registryPolicy:RegistryPolicy":             "policy",
	"aws:glacier/vault:Vault":                           "accessPolicy",
	"aws:kinesis/resourcePolicy:ResourcePolicy":         "policy",
	"aws:msk/clusterPolicy:ClusterPolicy":               "policy",
	"aws:s3/bucket:Bucket":                              "policy",
	"aws:s3control/accessPointPolicy:AccessPointPolicy": "policy",
}

// documentPath is the input of a resource that has its document; of a type that nothing judges, whichever reads as one.
func documentPath(r *graph.Resource) string {
	if path := documents[r.Token]; path != "" || judged(r.Token) || !strings.HasPrefix(r.Token, "aws:") {
		return path
	}
	for _, key := range slices.Sorted(maps.Keys(r.Inputs)) {
		if text, is := r.Inputs[key].(string); is && strings.Contains(text, `"Statement"`) {
			if _, err := iam.Parse(text); err == nil {
				return key
			}
		}
	}
	return ""
}

// access is what a statement lets one principal do with one resource, or keeps it from.
type access struct{ effect, who, action, resource, condition string }

// accesses are those of a resource's document; nil where there is none. One that is not known or not understood is an
// access of its own.
func accesses(r *graph.Resource, names *strings.Replacer) map[access]bool {
	path := documentPath(r)
	v := r.Input(path)
	if path == "" {
		return nil
	}
	if v == nil {
		if v = policyOf(r); v == nil {
			return unwritten(r.Token)
		}
	}
	found := map[access]bool{}
	d, err := iam.Parse(graph.Text(v))
	if err != nil && allowsNothing(graph.Text(v)) {
		return found
	}
	if err != nil {
		found[access{effect: "Allow", who: "*", action: "what a document says that is not understood here",
			resource: cut(fmt.Sprint(v), longest)}] = true
		return found
	}
	for _, s := range d.Statement {
		actions, resources, who := slices.Clone(s.Action), slices.Clone(s.Resource), []string{}
		actions, resources = allBut(actions, s.NotAction), allBut(resources, s.NotResource)
		if len(resources) == 0 {
			resources = []string{"it"}
		}
		for kind, list := range s.Principal {
			who = append(who, principals(kind, list)...)
		}
		var without []string
		for _, kind := range slices.Sorted(maps.Keys(s.NotPrincipal)) {
			without = append(without, s.NotPrincipal[kind]...)
		}
		who = allBut(who, without)
		if len(who) == 0 {
			who = []string{""}
		}
		for _, w := range who {
			for _, a := range actions {
				for _, of := range resources {
					found[access{s.Effect, names.Replace(w), a, names.Replace(of),
						names.Replace(s.Conditions())}] = true
				}
			}
		}
	}
	return found
}

// unwritten is what AWS writes into a document of a type that the program gives none
// (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html,
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html); nil: nothing.
func unwritten(token string) map[access]bool {
	switch token {
	case endpointType:
		return map[access]bool{{effect: "Allow", who: "*", action: "*", resource: "*"}: true}
	case keyType:
		return map[access]bool{{effect: "Allow", who: "arn:aws:iam::{account}:root", action: "kms:*",
			resource: "*"}: true}
	}
	return nil
}

// allowsNothing reports whether a document has a list of statements, and none in it.
func allowsNothing(document string) bool {
	var d struct{ Statement []json.RawMessage }
	return json.Unmarshal([]byte(document), &d) == nil && d.Statement != nil && len(d.Statement) == 0
}

// endpointType is the type whose document only narrows what others allow.
const endpointType = "aws:ec2/vpcEndpoint:VpcEndpoint"

var accountNumber = regexp.MustCompile(`^\d{12}$|^arn:[a-z-]+:(?:iam|sts)::(\d{12}):`)

// outsider tells whom a document lets in that is not of the account; empty for a service of AWS and for the account's
// own.
func outsider(who string) string {
	m := accountNumber.FindStringSubmatch(who)
	switch {
	case who == "*":
		return "everyone"
	case strings.HasPrefix(who, but):
		return "everyone but " + code(strings.TrimPrefix(who, but))
	case signsInBy(who) != "":
		return "whoever signs in by " + code(signsInBy(who))
	case m != nil && m[1] != awsmodel.Account && who != awsmodel.Account:
		return "the foreign account of " + code(who)
	case strings.Contains(who, "{"), m != nil, isService(who), who == "":
		return ""
	}
	return "the foreign " + code(who)
}

// subjects are the inputs that name what a document of its own is about; partOf has them, too, of most types.
var subjects = map[string]string{
	"aws:apigateway/restApiPolicy:RestApiPolicy":   "restApiId",
	"aws:backup/vaultPolicy:VaultPolicy":           "backupVaultName",
	"aws:cloudwatch/eventBusPolicy:EventBusPolicy": "eventBusName",
	"aws:dynamodb/resourcePolicy:ResourcePolicy":   "resourceArn",
	"aws:ecr/repositoryPolicy:RepositoryPolicy":    "repository",
	"aws:efs/fileSystemPolicy:FileSystemPolicy":    "fileSystemId",
	"aws:iam/groupPolicy:GroupPolicy":              "group",
	"aws:iam/userPolicy:UserPolicy":                "user",
	"aws:kinesis/resourcePolicy:ResourcePolicy":    "resourceArn",
	keyPolicyType:                                       "keyId",
	"aws:msk/clusterPolicy:ClusterPolicy":               "clusterArn",
	"aws:opensearch/domainPolicy:DomainPolicy":          "domainName",
	"aws:s3/bucketPolicy:BucketPolicy":                  "bucket",
	"aws:s3control/accessPointPolicy:AccessPointPolicy": "accessPointArn",
	"aws:secretsmanager/secretPolicy:SecretPolicy":      "secretArn",
	"aws:sns/topicPolicy:TopicPolicy":                   "arn",
	"aws:sqs/queuePolicy:QueuePolicy":                   "queueUrl",
}

// subject is what a document is about: a resource of the graph, and else the text that names it.
func subject(g *graph.Graph, r *graph.Resource) (whole *graph.Resource, text string) {
	path := subjects[r.Token]
	if path == "" {
		return nil, ""
	}
	v := r.Input(path)
	if whole = g.Resolve(v); whole == r { // it may be known by the name of what it is about
		whole = nil
	}
	return whole, orUnset(v)
}

// moves reports whether a document is about something else than it was.
func moves(base, head *graph.Graph, old, now *graph.Resource) bool {
	was, before := subject(base, old)
	is, after := subject(head, now)
	if is != nil && was != nil {
		return base.Was(is) != was
	}
	return before != after
}

// alongside are what the other documents of the type of one allow and deny of what it is about in a graph that may be
// another than its own.
func alongside(g *graph.Graph, of *graph.Resource, whole *graph.Resource, text string) map[access]bool {
	names := labels(g, nil)
	var found map[access]bool
	for _, r := range g.ByType(of.Token) {
		other, name := subject(g, r)
		if r.URN == of.URN || r.Read || other != whole || whole == nil && name != text {
			continue
		}
		if found == nil {
			found = map[access]bool{}
		}
		maps.Copy(found, accesses(r, names))
	}
	return found
}

// unsourced are the services that let in what is the account's own even where their statement says nothing of it, by
// the beginnings of actions: AWS documents the statement without keys, or the service acts within an account only. The
// path of a log within a bucket has the account that it is of.
//
//   - https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
//   - https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
//   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
//   - https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
//   - https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (EventBridge has no keys there)
//   - https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-notifications.html
var unsourced = map[string][]string{
	"backup.amazonaws.com":                           {"kms:", "sns:"},
	"delivery.logs.amazonaws.com":                    {"s3:"},
	"events.amazonaws.com":                           {"kms:", "logs:", "sns:"},
	"logdelivery.elasticloadbalancing.amazonaws.com": {"s3:"},
	"logging.s3.amazonaws.com":                       {"s3:"},
}

// isService reports whether a principal is a service of AWS.
func isService(who string) bool { return awsmodel.IsService(who) }

// stranger tells whom an access lets in that is not of the account, where there was another; empty: nobody. A service
// of AWS acts for whoever its statement says, which is anyone where that says nothing.
func (x access) stranger(was map[access]bool) string {
	if by := signsInBy(x.who); by != "" && unbounded(by, x.condition) {
		return "whoever signs in by " + code(by) + ", for anybody's repository, app or pool"
	}
	if who, held := heldTo(x.condition); held && (x.who == "*" || strings.HasPrefix(x.who, but)) {
		return who
	}
	if !isService(x.who) {
		return outsider(x.who)
	}
	accounts := actsFor(x.condition)
	switch {
	case len(accounts) == 0:
		return ""
	case !slices.Contains(accounts, anyAccount):
		return "the foreign account " + strings.Join(spans(few(accounts)), ", ") + " by " + code(x.who)
	case x.excused():
		// Where it was held to an account it no longer is.
		if !slices.ContainsFunc(slices.Collect(maps.Keys(was)), func(y access) bool {
			return y.effect == x.effect && y.who == x.who && coversAction(x.action, y.action) &&
				!slices.Contains(actsFor(y.condition), anyAccount)
		}) {
			return ""
		}
	}
	return "any account's " + code(x.who)
}

// excused reports whether a statement for a service is as AWS documents it, without saying for whom the service acts. A
// role is given to a service by its own account only
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
func (x access) excused() bool {
	action := strings.ToLower(x.action)
	return x.action == assumed || action == "s3:getbucketacl" ||
		strings.Contains(x.resource, "/AWSLogs/"+awsmodel.Account+"/") || // labels write it as the other
		strings.Contains(x.resource, "/AWSLogs/{account}/") ||
		slices.ContainsFunc(unsourced[x.who], func(service string) bool { return strings.HasPrefix(action, service) })
}

// opened are the dangers of what the documents of resources allow that they did not, and no longer deny or allow.
func opened(base, head *graph.Graph, gone map[string]bool) []Danger {
	before, after := labels(base, nil), labels(head, nil)
	seen := map[*graph.Resource]bool{}
	var found []Danger
	for _, now := range head.Resources {
		if documentPath(now) == "" || now.Read || byRole(head, now) {
			continue
		}
		var old, whole *graph.Resource
		if base != nil {
			old = base.Was(now)
			if whole = head.Resolve(now.Input(subjects[now.Token])); whole != nil && whole != now {
				whole = base.Was(whole)
			}
		}
		var was map[access]bool
		if old == nil && now.Token == endpointType {
			continue // it lets through what others allow
		}
		if old == nil && now.Token == keyPolicyType && whole != nil {
			was = accesses(whole, before) // which it takes the place of
		}
		if old != nil {
			seen[old] = true
			was = accesses(old, before)
		}
		if d, is := unseen(now, old, accesses(now, after)); is {
			found = append(found, d...)
			continue
		}
		if old != nil && moves(base, head, old, now) {
			found = append(found, moved(base, head, old, now, gone)...)
			continue
		}
		found = append(found, compareAccess(now, "", was, accesses(now, after), old == nil && whole == nil)...)
	}
	found = append(found, callers(base, head)...)
	if base == nil {
		return found
	}
	for _, old := range base.Resources {
		if documents[old.Token] != "" && !seen[old] && !old.Read && !byRole(base, old) && gone[old.URN] &&
			subjects[old.Token] != "" && !partGone(base, old, gone) {
			var is map[access]bool
			if old.Token == keyPolicyType {
				is = unwritten(keyType)
			}
			found = append(found, compareAccess(old, "", accesses(old, before), is, false)...)
		}
	}
	return found
}

// unseen are the dangers of a document that only a deployment knows, on one side or both: nobody can tell what it newly
// allows, or no longer does. Whom it lets in of others is told all the same.
func unseen(now, old *graph.Resource, is map[access]bool) (found []Danger, unknown bool) {
	hidden := func(r *graph.Resource) bool {
		return r != nil && documentPath(r) != "" && r.Input(documentPath(r)) == graph.Unknown
	}
	before, after := hidden(old), hidden(now)
	tell := func(what string) {
		found = append(found, Danger{Kind: notJudged, Resource: now.String(),
			What: fmt.Sprintf("**%s** %s: %s (%s).", now.Kind(), code(now.Name), what, code(documentPath(now)))})
	}
	switch {
	case after && !before:
		tell("whom it will let in, and whom not, only a deployment knows")
	case before && !after:
		found = slices.DeleteFunc(compareAccess(now, "", nil, is, true),
			func(d Danger) bool { return d.Kind != exposes })
		tell("whom it let in before is not known, nor who no longer is")
	}
	return found, before || after
}

// callers are the dangers of permissions that let others call a function than before. That one loses what held it is
// told by its rules.
func callers(base, head *graph.Graph) []Danger {
	caller := func(r *graph.Resource) string {
		if r == nil || r.Input("eventSourceToken") != nil {
			return ""
		}
		conditions := map[string]map[string]any{"ArnLike": {}, "StringEquals": {}}
		for input, at := range map[string][2]string{"sourceArn": {"ArnLike", "aws:SourceArn"},
			"sourceAccount":  {"StringEquals", "aws:SourceAccount"},
			"principalOrgId": {"StringEquals", "aws:PrincipalOrgID"}} {
			switch v := r.Input(input).(type) {
			case nil:
			case string:
				conditions[at[0]][at[1]] = v
			default:
				conditions[at[0]][at[1]] = "{}" // it is known when it is deployed
			}
		}
		x := access{effect: "Allow", who: graph.Text(r.Input("principal")), condition: iam.Statement{
			Condition: conditions}.Conditions()}
		return x.stranger(nil)
	}
	var found []Danger
	for _, now := range head.ByType(permissionType) {
		var old *graph.Resource
		if base != nil {
			old = base.Was(now)
		}
		lost := func(input string) bool { return old != nil && old.Input(input) != nil && now.Input(input) == nil }
		who := caller(now)
		if now.Read || who == "" || who == caller(old) || caller(old) == outsider("*") ||
			who != outsider("*") && (lost("sourceArn") || lost("sourceAccount")) {
			continue
		}
		found = append(found, Danger{Kind: exposes, Resource: now.String(),
			What: fmt.Sprintf("**%s** %s lets **%s** use the function (%s).", now.Kind(), code(now.Name), who,
				code(orUnset(now.Input("action"))))})
	}
	return found
}

// moved are the dangers of a document that is about something else than it was: what it was about loses it, and what it
// is about gets it, whatever is the same in its text.
func moved(base, head *graph.Graph, old, now *graph.Resource, gone map[string]bool) []Danger {
	var found []Danger
	was, before := subject(base, old)
	is, after := subject(head, now)
	if was == nil || !gone[was.URN] {
		// later is what it was about in head.
		var later *graph.Resource
		for _, r := range head.Resources {
			if was != nil && base.Was(r) == was {
				later = r
			}
		}
		found = append(found, compareAccess(old, said(was, before), accesses(old, labels(base, nil)),
			alongside(head, now, later, before), false)...)
	}
	// earlier is what it is about in base.
	var earlier *graph.Resource
	if is != nil {
		earlier = base.Was(is)
	}
	var had map[access]bool
	if is == nil || earlier != nil {
		had = alongside(base, old, earlier, after)
	}
	return append(found, compareAccess(now, said(is, after), had, accesses(now, labels(head, nil)),
		is != nil && earlier == nil)...)
}

// said is what a document is about, for people.
func said(whole *graph.Resource, text string) string {
	if whole != nil {
		text = whole.String()
	}
	return " of " + code(cut(text, longest))
}

// partGone reports whether what a resource is a part of is deleted with it.
func partGone(base *graph.Graph, r *graph.Resource, gone map[string]bool) bool {
	path := cmp.Or(partOf[r.Token], subjects[r.Token])
	if path == "" {
		return false
	}
	key, _, _ := strings.Cut(path, ".")
	if whole := base.Resolve(r.Input(path)); whole != nil && whole != r { // it may be known by the name of the whole
		return gone[whole.URN]
	}
	return slices.ContainsFunc(r.PropertyDependencies[key], func(urn string) bool { return gone[urn] })
}

// byRole reports whether a policy is attached to a role, whose rights are compared as a whole.
func byRole(g *graph.Graph, policy *graph.Resource) bool {
	return policy.Token == "aws:iam/policy:Policy" && slices.ContainsFunc(
		g.ByType("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/policyAttachment:PolicyAttachment"),
		func(r *graph.Resource) bool { return g.Refers(r.Input("policyArn"), policy) })
}

// compareAccess tells the difference of two documents, of what where that has to be said. What a fresh resource denies
// stops nobody.
func compareAccess(r *graph.Resource, of string, was, is map[access]bool, fresh bool) []Danger {
	var found []Danger
	newcomer := func(x access) string { return x.stranger(was) }
	tell := func(kind, what string, list []access) {
		text := describe(list)
		if kind == exposes {
			text = describeTo(list, newcomer)
		}
		if len(list) > 0 {
			found = append(found, Danger{Kind: kind, Resource: r.String(),
				What: fmt.Sprintf("**%s** %s%s %s %s.", r.Kind(), code(r.Name), of, what, text)})
		}
	}
	less := func(a, b map[access]bool, keep func(access) bool) []access {
		var list []access
		for x := range a {
			if !b[x] && keep(x) {
				list = append(list, x)
			}
		}
		slices.SortFunc(list, func(x, y access) int {
			return cmp.Or(cmp.Compare(x.who, y.who), cmp.Compare(x.action, y.action),
				cmp.Compare(x.resource, y.resource),
				cmp.Compare(x.condition, y.condition))
		})
		return list
	}
	tell("no longer denied", "no longer denies", less(was, is, func(x access) bool {
		return x.effect != "Allow" && !stillDenied(x, is)
	}))
	tell(exposes, "newly allows", less(is, was, func(x access) bool {
		return x.effect == "Allow" && newcomer(x) != "" && !stillAllowed(x, was)
	}))
	tell(moreRights, "newly allows", less(is, was, func(x access) bool {
		if x.effect != "Allow" || newcomer(x) != "" {
			return false
		}
		// Of whom a policy is attached to, it says no more than that.
		return !stillAllowed(x, was) && (risky(x.action) != "" || loosened(x, was) || x.who == "" &&
			(strings.ContainsAny(x.action, "*?") || everything(x.resource) && keeps(x.action) != ""))
	}))
	tell(stops, "no longer allows", less(was, is, func(x access) bool {
		return x.effect == "Allow" && !stillAllowed(x, is)
	}))
	tell(stops, "newly denies", less(is, was,
		func(x access) bool { return x.effect != "Allow" && !fresh && !stillDenied(x, was) }))
	return found
}

// wholeAccount matches the principals that stand for an account, in any partition
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
var wholeAccount = regexp.MustCompile(`^(?:arn:[a-z-]+:iam::)?(\d{12}|\{account\})(?::root)?$`)

// samePrincipal reports whether two principals are the same.
func samePrincipal(one, other string) bool {
	a, b := wholeAccount.FindStringSubmatch(one), wholeAccount.FindStringSubmatch(other)
	return one == other || a != nil && b != nil && a[1] == b[1]
}

// stillDenied reports whether another statement, without conditions of its own, denies what one denied.
func stillDenied(x access, by map[access]bool) bool {
	for y := range by {
		if y.effect != "Allow" && looser(y.condition, x.condition) &&
			(samePrincipal(y.who, x.who) || y.who == "*") &&
			coversAction(y.action, x.action) && covers(y.resource, x.resource) {
			return true
		}
	}
	return false
}

// stillAllowed reports whether other statements allow what one did, to the same or to everyone.
func stillAllowed(x access, by map[access]bool) bool {
	for y := range by {
		if y.effect == "Allow" && looser(y.condition, x.condition) &&
			(samePrincipal(y.who, x.who) || y.who == "*") &&
			coversAction(y.action, x.action) && covers(y.resource, x.resource) {
			return true
		}
	}
	return false
}

// mostAccess is how many accesses a danger names.
const mostAccess = 4

func describe(list []access) string {
	return describeTo(list, func(x access) string { return outsider(x.who) })
}

// describeTo names those whom stranger tells of as that does.
func describeTo(list []access, stranger func(x access) string) string {
	type group struct{ who, resource, condition string }
	var order []group
	actions, names := map[group][]string{}, map[group]string{}
	for _, a := range list {
		g := group{a.who, a.resource, a.condition}
		if actions[g] == nil {
			order = append(order, g)
		}
		names[g] = stranger(a)
		if text := code(a.action); !slices.Contains(actions[g], text) {
			actions[g] = append(actions[g], text)
		}
	}
	var said []string
	for i, g := range order {
		if i == mostAccess {
			said = append(said, fmt.Sprintf("and %d more", len(order)-i))
			break
		}
		what := actions[g]
		if len(what) > mostAccess {
			what = append(slices.Clone(what[:mostAccess]), fmt.Sprintf("%d more", len(what)-mostAccess))
		}
		text := strings.Join(what, ", ") + " on " + code(cut(g.resource, longest))
		switch who := names[g]; {
		case who != "":
			text = "**" + who + "** " + text
		case g.who != "":
			text = code(g.who) + " " + text
		}
		if g.condition != "" {
			text += " if " + code(cut(g.condition, longest))
		}
		said = append(said, text)
	}
	return strings.Join(said, "; ")
}

// deletes is why a right to delete is risky.
const deletes = "to delete or stop"

// risky tells why a right is one that nobody may overlook: it widens rights, deletes, stops or hides. Empty: it is not.
func risky(action string) string {
	service, verb, _ := strings.Cut(strings.ToLower(action), ":")
	begins := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(verb, p) })
	}
	if why := powers[strings.ToLower(action)]; why != "" {
		return why
	}
	switch {
	case strings.Contains(action, " "), begins("get", "list", "describe", "head", "batchget", "stopquery",
		"stoplivetail"):
		return "" // a policy that is not known, or a right to read
	case service == "iam" && !begins("get", "list", "simulate", "generate"), service == "organizations" &&
		!begins("describe", "list"), begins("assumerole"), service == "kms" && verb == "creategrant",
		widening.MatchString(verb):
		return "to widen rights"
	case service == "cloudtrail" && begins("stop", "delete", "update", "put"),
		service == "guardduty" && begins("delete", "disassociate", "update", "stop"),
		service == "cloudwatch" && begins("delete", "disable"), service == "logs" && begins("delete", "putretention"):
		return "to hide what happens"
	case service == "ssm" && begins("sendcommand", "startsession"),
		service == "lambda" && begins("updatefunctioncode"),
		service == "ec2-instance-connect", service == "ecs" && begins("executecommand"):
		return "to run programs elsewhere"
	case begins("delete", "terminate", "schedulekeydeletion", "disable", "purge", "deregister", "stop"):
		return deletes
	}
	return ""
}
