package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/internal/awsmodel"
)

// onto are the dangers of what is created onto something that exists, or changes to lead into a foreign account, of
// which told does not speak yet.
func onto(base, head *graph.Graph, told []Danger) []Danger {
	var found []Danger
	for _, r := range head.Resources {
		if !r.Custom || r.Read {
			continue
		}
		if base == nil {
			found = append(found, plainSecrets(nil, head, nil, r)...)
			continue
		}
		if base.Was(r) == nil {
			found = append(found, ontoOne(base, head, r)...)
		}
		found = append(found, foreign(base, head, r, slices.Concat(told, found))...)
	}
	return found
}

// stays reports whether what an input names is there before: another resource than a new one of the program.
func stays(base, head *graph.Graph, v any) bool {
	of := head.Resolve(v)
	return graph.Text(v) != "" && (of == nil || base.Was(of) != nil)
}

func ontoOne(base, head *graph.Graph, r *graph.Resource) []Danger {
	var found []Danger
	tell := func(kind, format string, args ...any) {
		found = append(found, Danger{Kind: kind, Resource: r.String(),
			What: fmt.Sprintf("**%s** %s: ", r.Kind(), code(r.Name)) + fmt.Sprintf(format, args...) + "."})
	}
	switch r.Token {
	case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
		// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/default_security_group
		if network := r.Input("vpcId"); network == nil || stays(base, head, network) {
			tell(stops, "it takes over the default group of a network that is there, and takes out all of its rules "+
				"but those that it has itself: what is in the group reaches others, and is reached, by these alone")
		}
	case networkACLType:
		wallsIn(base, head, r, tell)
	case "aws:lb/listenerRule:ListenerRule":
		const taken = "requests of its listener that others took "
		actions := graph.Items(r.Input("actions"))
		listener := head.Resolve(r.Input("listenerArn"), "aws:lb/listener:Listener")
		if !stays(base, head, r.Input("listenerArn")) {
			break
		}
		if listener != nil && signsIn(listener.Input("defaultActions")) && !signsIn(actions) &&
			slices.ContainsFunc(actions, withText("type", "forward")) {
			tell(exposes, "nobody has to sign in for its requests, as its listener asks for others")
		}
		for _, action := range actions {
			status := graph.Text(graph.At(action, "fixedResponse.statusCode"))
			host := graph.Text(graph.At(action, "redirect.host"))
			switch {
			case status != "":
				tell(stops, "%sare answered with %s", taken, code(status))
			case host != "" && host != "#{host}":
				tell(stops, "%sare led to %s", taken, code(host))
			case graph.Text(graph.At(action, "type")) == "forward" && takesAll(r.Input("conditions")):
				tell(stops, "it takes every request of its listener that no rule before it takes, and they go "+
					"elsewhere")
			}
		}
	case recordType:
		about := func(g *graph.Graph, r *graph.Resource) string {
			zone := graph.Text(r.Input("zoneId"))
			if of := g.Resolve(zone); of != nil {
				zone = of.URN
			}
			return strings.ToLower(strings.Join([]string{zone, strings.TrimSuffix(graph.Text(r.Input("name")), "."),
				graph.Text(r.Input("type"))}, " "))
		}
		beside := ""
		for _, other := range base.ByType(recordType) {
			if about(base, other) == about(head, r) && head.ByURN(other.URN) != nil {
				beside = other.String()
			}
		}
		if beside != "" {
			tell(stops, "the name leads to it as well, beside %s, or for some in its place", code(beside))
		}
		if graph.Is(r.Input("allowOverwrite"), true) {
			tell(stops, "it takes the place of a record of that name which somebody else made")
		}
	case "aws:ec2/vpcEndpoint:VpcEndpoint":
		if name := graph.Text(r.Input("serviceName")); strings.Contains(name, ".vpce-svc-") &&
			head.Resolve(name) == nil {
			tell(exposes, "what is sent to it goes to %s, a service of somebody else's", code(name))
		}
	case poolClientType:
		// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-app-idp-settings.html
		pool := head.Resolve(r.Input("userPoolId"))
		if !stays(base, head, r.Input("userPoolId")) {
			break
		}
		var known []string
		for _, other := range base.ByType(poolClientType) {
			if whole := base.Resolve(other.Input("userPoolId")); pool != nil && whole == base.Was(pool) ||
				pool == nil && graph.Text(other.Input("userPoolId")) == graph.Text(r.Input("userPoolId")) {
				known = append(known, graph.Texts(other.Input("callbackUrls"))...)
			}
		}
		if come := without(graph.Texts(r.Input("callbackUrls")), known); len(come) > 0 {
			tell(exposes, "whoever has %s gets what signs in the people of a pool that is there",
				strings.Join(few(come), ", "))
		}
	case poolProviderType:
		if stays(base, head, r.Input("userPoolId")) {
			tell(exposes, "people of %s are let in to a pool that is there", code(orUnset(r.Input("providerName"))))
		}
	case objectCopyType:
		for _, rule := range graph.Items(r.Input("rules")) {
			to := graph.At(rule, "destination.bucket")
			if head.Resolve(to) == nil && stays(base, head, r.Input("bucket")) {
				tell(exposes, "objects are copied to %s, which is not of the stack", code(orUnset(to)))
			}
		}
	}
	return found
}

// takesAll reports whether conditions of a balancer's rule hold for every request.
func takesAll(v any) bool {
	return !slices.ContainsFunc(graph.Items(v), func(c any) bool {
		all := false
		for path, pattern := range map[string]string{"pathPattern": "/*", "hostHeader": "*"} {
			values := graph.Texts(graph.At(c, path+".values"))
			all = all || slices.Contains(values, pattern) || slices.Contains(values, "*")
		}
		return !all
	})
}

// wallsIn are the dangers of a new network ACL over subnets that exist: it takes the place of the default one of their
// network, which lets everything through as AWS makes it. What its entries leave, the table of connections does not
// know.
func wallsIn(base, head *graph.Graph, acl *graph.Resource, tell func(kind, format string, args ...any)) {
	var subnets []string
	for _, subnet := range slices.Concat(graph.Items(acl.Input("subnetIds")), associated(head, acl)) {
		if stays(base, head, subnet) {
			name := graph.Text(subnet)
			if of := head.Resolve(subnet); of != nil {
				name = of.String()
			}
			subnets = append(subnets, code(name))
		}
	}
	if len(subnets) == 0 {
		return
	}
	allowed, narrowed := map[bool]bool{}, map[bool]bool{} // by whether it is about what leaves
	entry := func(e any, out bool, action string) {
		every := slices.Contains([]string{"-1", "all"}, graph.Text(graph.At(e, "protocol"))) &&
			graph.Text(graph.At(e, "cidrBlock")) == "0.0.0.0/0"
		if strings.EqualFold(action, "allow") {
			allowed[out] = true
			narrowed[out] = narrowed[out] || !every
			return
		}
		narrowed[out] = true
	}
	for _, e := range graph.Items(acl.Input("ingress")) {
		entry(e, false, graph.Text(graph.At(e, "action")))
	}
	for _, e := range graph.Items(acl.Input("egress")) {
		entry(e, true, graph.Text(graph.At(e, "action")))
	}
	for _, r := range head.ByType(wallRuleType) {
		if head.Refers(r.Input("networkAclId"), acl) {
			entry(r.Inputs, outward(r), graph.Text(r.Input("ruleAction")))
		}
	}
	behind := "subnets that are there are behind it (" + strings.Join(few(subnets), ", ") + "), "
	switch {
	case !allowed[false] && !allowed[true]:
		tell(stops, "%sand it lets nothing in or out", behind)
	case !allowed[false]:
		tell(stops, "%sand it lets nothing in", behind)
	case !allowed[true]:
		tell(stops, "%sand it lets nothing out", behind)
	case narrowed[false] || narrowed[true]:
		tell(stops, "%sand it lets through only what its entries say, of which the table of connections knows nothing",
			behind)
	}
}

// accountInput is the name of an input that has the number of an account.
var accountInput = regexp.MustCompile(`(?i)(?:account|owner|principal)(?:id)?(?:s?\[\d+\]|s)?$`)

// foreign are the dangers of inputs that newly name what is of a foreign account, of which told does not speak. Those
// of documents, and of who may assume a role, are judged as such.
func foreign(base, head *graph.Graph, r *graph.Resource, told []Danger) []Danger {
	accounts := func(r *graph.Resource) map[string]string {
		found := map[string]string{}
		if r == nil {
			return found
		}
		graph.Walk("", r.Inputs, func(path string, v any) {
			text, _ := v.(string)
			accounts := foreignAccounts(text)
			if number.MatchString(text) && accountInput.MatchString(path) && text != awsmodel.Account {
				accounts = []string{text}
			}
			if key, _, _ := strings.Cut(position.ReplaceAllString(path, ""), "."); strings.Contains(text, "{") &&
				(key == documentPath(r) || slices.Contains(unordered, key)) {
				return
			}
			for _, account := range accounts {
				if found[account] == "" {
					found[account] = path
				}
			}
		})
		return found
	}
	old := base.Was(r)
	was := accounts(old)
	found := append(internetNamed(old, r), plainSecrets(base, head, old, r)...)
	for account, path := range accounts(r) {
		if was[account] != "" || slices.ContainsFunc(told, func(d Danger) bool {
			return d.Resource == r.String() && (strings.Contains(d.What, account) ||
				r.Token == objectCopyType && d.Kind == exposes)
		}) {
			continue
		}
		found = append(found, Danger{Kind: exposes, Resource: r.String(),
			What: fmt.Sprintf("**%s** %s now names what is of the foreign account %s (%s): what it gives or gets is "+
				"in the hands of others.", r.Kind(), code(r.Name), code(account), code(path))})
	}
	slices.SortFunc(found, func(a, b Danger) int { return cmp.Compare(a.What, b.What) })
	return found
}

// keys are texts that let whoever has them in as somebody: an access key of AWS's
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids), a token of
// GitHub's, a private key. Nothing that is said has one in it.
var keys = regexp.MustCompile(`\bA[KS]IA[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|` +
	`-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[A-Za-z0-9+/=\s\\:,-]*?-----END [A-Z ]*PRIVATE KEY-----|` +
	`[A-Za-z0-9+/=\s\\:,-]*)`)

// keysOf are the keys in a value, also within Base64, as user-data comes.
func keysOf(v any) []string {
	text := graph.Text(v)
	found := keys.FindAllString(text, -1)
	if decoded, err := graph.Decode(text); err == nil {
		found = append(found, keys.FindAllString(decoded, -1)...)
	}
	return found
}

// partOfKey finds what may be the secret half of an access key, or a line of a private key.
var partOfKey = regexp.MustCompile(`[A-Za-z0-9+/]{16,}`)

// keyTexts are what must not be shown of the keys that graphs have in plain: all of them, each line of a private key,
// of which a difference may show one alone, and the secret half of an access key, which stands in the same resource.
func keyTexts(graphs ...*graph.Graph) []string {
	var found []string
	for _, g := range graphs {
		if g == nil {
			continue
		}
		for _, r := range g.Resources {
			access, halves := false, []string(nil)
			graph.Walk("", r.Inputs, func(_ string, v any) {
				for _, key := range keysOf(v) {
					found = append(append(found, key), partOfKey.FindAllString(key, -1)...)
					access = access || strings.HasPrefix(key, "A")
				}
				for _, part := range partOfKey.FindAllString(graph.Text(v), -1) {
					if len(part) == 40 && strings.Trim(part, "0123456789abcdef") != "" {
						halves = append(halves, part)
					}
				}
			})
			if access {
				found = append(found, halves...)
			}
		}
	}
	return found
}

// internetNamed is the danger of a resource that newly names every address of the internet, where nothing judges its
// type.
func internetNamed(old, now *graph.Resource) []Danger {
	if judged(now.Token) {
		return nil
	}
	blocks := func(r *graph.Resource) (found []netip.Prefix, at string) {
		if r == nil {
			return nil, ""
		}
		graph.Walk("", r.Inputs, func(path string, v any) {
			text, _ := v.(string)
			if b, err := netip.ParsePrefix(text); err == nil {
				if at == "" || b.Bits() == 0 {
					at = path
				}
				found = append(found, b)
			}
		})
		return mergedBlocks(found), at
	}
	world := func(b netip.Prefix) bool { return b.Bits() == 0 }
	was, _ := blocks(old)
	is, at := blocks(now)
	if slices.ContainsFunc(was, world) || !slices.ContainsFunc(is, world) {
		return nil
	}
	return []Danger{{Kind: exposes, Resource: now.String(),
		What: fmt.Sprintf("**%s** %s now names the whole internet (%s): whom that lets in, or where it leads, nothing "+
			"here judges.", now.Kind(), code(now.Name), code(at))}}
}

// number is the number of an account.
var number = regexp.MustCompile(`^\d{12}$`)
