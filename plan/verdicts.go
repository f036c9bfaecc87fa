package plan

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dossier.example/plan/graph"
)

// verdict says what a difference between two recordings of a resource does to it.
func verdict(old, now *graph.Resource, l leaf) Verdict {
	switch {
	case l.option:
		return Verdict{Replaces, "option " + l.path}
	case within(l.path, now.Options.ReplaceOnChanges):
		return Verdict{Replaces, fromOption}
	}
	path := position.ReplaceAllString(l.path, "")
	v := decided(old, now, path)
	m := known(now.Token)
	if v.Word == Replaces || m == nil {
		return v
	}
	// What comes or goes as a whole comes or goes with what it has inside.
	for inner := range m {
		rest, is := strings.CutPrefix(inner, path+".")
		if !is || !has(l.before, rest) && !has(l.after, rest) {
			continue
		}
		if of := decided(old, now, inner); weightOf(of.Word) > weightOf(v.Word) {
			v = of
		}
	}
	return v
}

// weightOf orders words by what a reviewer has to expect.
func weightOf(w Word) int {
	return slices.Index([]Word{InPlace, UnknownInput, UnknownType, MayReplace, Replaces}, w)
}

// decided is the verdict on a path, where the values of the resource decide, too.
func decided(old, now *graph.Resource, path string) Verdict {
	v := Judge(now.Token, path)
	if v.Word != MayReplace {
		return v
	}
	for at := path; at != ""; at = at[:max(0, strings.LastIndexByte(at, '.'))] {
		if decide := conditions[now.Token+" "+at]; decide != nil {
			v.Word = decide(old, now)
			return v
		}
	}
	return v
}

// has reports whether a value has something at a path, through lists.
func has(v any, path string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(one any) bool { return has(one, path) })
	case map[string]any:
		name, rest, deeper := strings.Cut(path, ".")
		inner := v[name]
		return inner != nil && (!deeper || has(inner, rest))
	}
	return false
}

// conditions are those under which the provider asks for another resource (CustomizeDiff), by type and input, as far as
// the inputs tell. Each names its file in https://github.com/hashicorp/terraform-provider-aws.
var conditions = map[string]func(old, now *graph.Resource) Word{
	// internal/service/ec2/ec2_instance.go: a running instance keeps what it ran at its first start.
	"aws:ec2/instance:Instance userData":       newUserData,
	"aws:ec2/instance:Instance userDataBase64": newUserData,
	// The same file: an instance is stopped and changed, unless the new type has another processor architecture.
	"aws:ec2/instance:Instance instanceType": func(old, now *graph.Resource) Word {
		return when(arm(old.Input("instanceType")) != arm(now.Input("instanceType")))
	},
	// The same file: the version that the instance is of, against that which the program names.
	"aws:ec2/instance:Instance launchTemplate.version": func(old, now *graph.Resource) Word {
		was, is := graph.Text(old.Input("launchTemplate.version")), graph.Text(now.Input("launchTemplate.version"))
		_, errWas := strconv.Atoi(was)
		_, errIs := strconv.Atoi(is)
		if errWas == nil && errIs == nil {
			return when(was != is)
		}
		return MayReplace // such as $Latest, which AWS knows
	},
	// internal/service/ec2/vpc_.go: only from dedicated back to default.
	"aws:ec2/vpc:Vpc instanceTenancy": func(old, now *graph.Resource) Word {
		return when(graph.Text(old.Input("instanceTenancy")) != "dedicated" || setOr(now, "instanceTenancy",
			"default") != "default")
	},
	// internal/service/ecs/service.go
	"aws:ecs/service:Service capacityProviderStrategies": func(old, now *graph.Resource) Word {
		count := func(r *graph.Resource) int { return len(items(r.Input("capacityProviderStrategies"))) }
		return when(!graph.Is(now.Input("forceNewDeployment"), true) || count(old) == 0 || count(now) == 0)
	},
	// internal/service/eks/cluster.go
	"aws:eks/cluster:Cluster encryptionConfig": func(_, now *graph.Resource) Word {
		return when(now.Input("encryptionConfig") == nil)
	},
	// internal/service/elasticache/engine_version.go
	"aws:elasticache/cluster:Cluster engineVersion":                   older("engineVersion"),
	"aws:elasticache/replicationGroup:ReplicationGroup engineVersion": older("engineVersion"),
	// internal/service/elasticache/replication_group.go
	"aws:elasticache/replicationGroup:ReplicationGroup engine": func(old, now *graph.Resource) Word {
		return when(setOr(old, "engine", "redis") == "valkey" && setOr(now, "engine", "redis") == "redis")
	},
	// The same file: in place from 7.0.5 on.
	"aws:elasticache/replicationGroup:ReplicationGroup transitEncryptionEnabled": func(_, now *graph.Resource) Word {
		major, minor, _ := strings.Cut(graph.Text(now.Input("engineVersion")), ".")
		m, errMajor := strconv.Atoi(major)
		n, errMinor := strconv.Atoi(minor)
		switch {
		case errMajor == nil && m < 7:
			return Replaces
		case errMajor == nil && (m > 7 || errMinor == nil && n > 0):
			return InPlace
		}
		return MayReplace // 7.0 has older ones, too
	},
	// internal/service/elasticache/diff.go
	"aws:elasticache/cluster:Cluster nodeType": func(_, now *graph.Resource) Word {
		return when(graph.Text(now.Input("engine")) == "memcached")
	},
	// internal/service/elbv2/load_balancer.go
	"aws:lb/loadBalancer:LoadBalancer subnets":         balancerSubnets,
	"aws:alb/loadBalancer:LoadBalancer subnets":        balancerSubnets,
	"aws:lb/loadBalancer:LoadBalancer subnetMappings":  balancerMappings,
	"aws:alb/loadBalancer:LoadBalancer subnetMappings": balancerMappings,
	"aws:lb/loadBalancer:LoadBalancer securityGroups":  balancerGroups,
	"aws:alb/loadBalancer:LoadBalancer securityGroups": balancerGroups,
	// internal/service/kafka/cluster.go
	"aws:msk/cluster:Cluster kafkaVersion": older("kafkaVersion"),
	// internal/service/opensearch/domain.go, internal/service/elasticsearch/domain.go: turned off, never in place.
	"aws:opensearch/domain:Domain encryptAtRest.enabled":              turnedOff("encryptAtRest.enabled"),
	"aws:opensearch/domain:Domain nodeToNodeEncryption.enabled":       turnedOff("nodeToNodeEncryption.enabled"),
	"aws:opensearch/domain:Domain advancedSecurityOptions.enabled":    turnedOff("advancedSecurityOptions.enabled"),
	"aws:elasticsearch/domain:Domain encryptAtRest.enabled":           turnedOff("encryptAtRest.enabled"),
	"aws:elasticsearch/domain:Domain nodeToNodeEncryption.enabled":    turnedOff("nodeToNodeEncryption.enabled"),
	"aws:elasticsearch/domain:Domain advancedSecurityOptions.enabled": turnedOff("advancedSecurityOptions.enabled"),
	// The same files: what is not among the versions that the domain can be upgraded to, which no earlier one is.
	"aws:opensearch/domain:Domain engineVersion":           backReplaces("engineVersion"),
	"aws:elasticsearch/domain:Domain elasticsearchVersion": backReplaces("elasticsearchVersion"),
	// internal/service/rds/cluster.go
	"aws:rds/cluster:Cluster storageType": func(_, now *graph.Resource) Word {
		return when(!strings.HasPrefix(graph.Text(now.Input("engine")), "aurora"))
	},
	// internal/service/cognitoidp/user_pool_domain.go
	"aws:cognito/userPoolDomain:UserPoolDomain certificateArn": func(old, now *graph.Resource) Word {
		return when(old.Input("certificateArn") == nil || now.Input("certificateArn") == nil)
	},
	// internal/service/ssm/parameter.go
	"aws:ssm/parameter:Parameter tier": func(old, now *graph.Resource) Word {
		return when(graph.Text(old.Input("tier")) == "Advanced" && setOr(now, "tier", "Standard") == "Standard")
	},
}

func when(condition bool) Word {
	if condition {
		return Replaces
	}
	return InPlace
}

func newUserData(_, now *graph.Resource) Word {
	return when(graph.Is(now.Input("userDataReplaceOnChange"), true))
}

// balancerSubnets: a Network Load Balancer only takes more.
func balancerSubnets(old, now *graph.Resource) Word {
	network := graph.Text(now.Input("loadBalancerType")) == "network"
	return when(network && len(items(now.Input("subnets"))) <= len(items(old.Input("subnets"))))
}

// balancerMappings: what stays has to stay as it is, and a Network Load Balancer only takes more.
func balancerMappings(old, now *graph.Resource) Word {
	was, is := items(old.Input("subnetMappings")), items(now.Input("subnetMappings"))
	in := func(list []any) func(any) bool {
		return func(v any) bool {
			return slices.ContainsFunc(list, func(other any) bool { return reflect.DeepEqual(v, other) })
		}
	}
	kept := len(slices.DeleteFunc(slices.Clone(was), func(v any) bool { return !in(is)(v) }))
	network := graph.Text(now.Input("loadBalancerType")) == "network"
	switch {
	case len(is) > len(was):
		return when(kept < len(was))
	case len(is) < len(was) && !network:
		return when(kept < len(is))
	}
	return when(kept < len(was) || len(is) < len(was))
}

// balancerGroups: a Network Load Balancer that was made without groups gets none, and one with groups keeps some.
func balancerGroups(old, now *graph.Resource) Word {
	network := graph.Text(now.Input("loadBalancerType")) == "network"
	none := func(r *graph.Resource) bool { return len(items(r.Input("securityGroups"))) == 0 }
	return when(network && none(old) != none(now))
}

func items(v any) []any {
	list, _ := v.([]any)
	return list
}

func setOr(r *graph.Resource, input, otherwise string) string {
	return cmp.Or(graph.Text(r.Input(input)), otherwise)
}

// turnedOff replaces what was on; whether it can be turned on in place depends on the version.
func turnedOff(input string) func(old, now *graph.Resource) Word {
	return func(old, now *graph.Resource) Word {
		if graph.Is(old.Input(input), true) && !graph.Is(now.Input(input), true) {
			return Replaces
		}
		return MayReplace
	}
}

// backReplaces replaces what gets an older version, and may replace what gets another one.
func backReplaces(input string) func(old, now *graph.Resource) Word {
	return func(old, now *graph.Resource) Word {
		if earlier(old.Input(input), now.Input(input)) {
			return Replaces
		}
		return MayReplace
	}
}

// older replaces what gets an older version.
func older(input string) func(old, now *graph.Resource) Word {
	return func(old, now *graph.Resource) Word {
		was, is := graph.Text(old.Input(input)), graph.Text(now.Input(input))
		if was == "" || is == "" {
			return MayReplace
		}
		a, b := strings.Split(was, "."), strings.Split(is, ".")
		for i := range min(len(a), len(b)) {
			m, errWas := strconv.Atoi(a[i])
			n, errIs := strconv.Atoi(b[i])
			switch {
			case errWas != nil || errIs != nil:
				return MayReplace // such as 6.x
			case m != n:
				return when(n < m)
			}
		}
		return InPlace
	}
}

// graviton are the instance types with processors of Arm: "g" follows the generation
// (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
var graviton = regexp.MustCompile(`^(a1|[a-z]+[0-9]+g[a-z]*)(-[a-z0-9-]+)?\.`)

func arm(instanceType any) bool { return graviton.MatchString(graph.Text(instanceType)) }

// verdict reports whether one of the differences of a change has a verdict.
func (c Change) verdict(w Word) bool {
	return slices.ContainsFunc(c.Properties, func(p Property) bool { return p.Verdict == w })
}

// by is the surest source of the differences of a change with a verdict.
func (c Change) by(w Word) string {
	for _, source := range []string{fromOption, fromProvider, fromReference, fromCloudFormation} {
		if slices.ContainsFunc(c.Properties, func(p Property) bool { return p.Verdict == w && p.Source == source }) {
			return source
		}
	}
	return ""
}

// unsure are the dangers of an update that may turn out to be a replacement.
func unsure(c Change) []Danger {
	what := fmt.Sprintf("**%s** %s", c.Kind, code(c.Name))
	paths := func(w Word) string {
		var found []string
		for _, p := range c.Properties {
			if p.Verdict == w {
				found = append(found, code(p.Path))
			}
		}
		return strings.Join(few(found), ", ")
	}
	var found []Danger
	if c.verdict(MayReplace) {
		does := "."
		if holds := holding[c.Type]; holds != "" {
			does = ". A new one does not have " + holds + "."
		}
		found = append(found, Danger{Kind: "may be replaced", Resource: c.String(),
			What: fmt.Sprintf("%s may be replaced because of %s (%s)%s", what, paths(MayReplace), c.by(MayReplace),
				does)})
	}
	if c.verdict(UnknownType) {
		found = append(found, Danger{Kind: notJudged, Resource: c.String(),
			What: fmt.Sprintf("%s changes, in place or by replacement: nothing here knows type `%s`.", what, c.Type)})
	}
	if c.verdict(UnknownInput) {
		found = append(found, Danger{Kind: notJudged, Resource: c.String(),
			What: fmt.Sprintf("%s: whether %s is changed in place or by replacement is not known here.", what,
				paths(UnknownInput))})
	}
	return found
}
