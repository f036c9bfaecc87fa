package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"dossier.example/plan/internal/awsmodel"
)

// The kinds of differences as the protocol names them: those that a change can make, and those that need another
// resource.
var (
	inPlace = map[plugin.DiffKind]pulumirpc.PropertyDiff_Kind{
		plugin.DiffAdd: pulumirpc.PropertyDiff_ADD, plugin.DiffDelete: pulumirpc.PropertyDiff_DELETE, plugin.DiffUpdate: pulumirpc.PropertyDiff_UPDATE,
	}
	byAnother = map[plugin.DiffKind]pulumirpc.PropertyDiff_Kind{
		plugin.DiffAdd: pulumirpc.PropertyDiff_ADD_REPLACE, plugin.DiffDelete: pulumirpc.PropertyDiff_DELETE_REPLACE,
		plugin.DiffUpdate: pulumirpc.PropertyDiff_UPDATE_REPLACE,
	}
)

// differ compares what there was asked for with what is asked for now, property by property.
func differ(k kind, token string, olds, news resource.PropertyMap) *pulumirpc.DiffResponse {
	old, now := bare(olds), bare(news)
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true, DetailedDiff: map[string]*pulumirpc.PropertyDiff{}}
	diff := old.Diff(now)
	if diff == nil {
		return response
	}
	// EC2 takes new user-data only at a first start; by default the provider lets a running instance keep what it ran.
	if token == instanceType && (look{in: now}).flag("userDataReplaceOnChange") {
		k.replace += " userData userDataBase64"
	}
	top := map[string]bool{}
	for path, change := range plugin.NewDetailedDiffFromObjectDiff(diff, true) {
		names := inPlace
		if k.replaces(path) {
			names = byAnother
			response.Replaces = append(response.Replaces, path)
		}
		kind := names[change.Kind]
		response.DetailedDiff[path] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
		key, _, _ := strings.Cut(path, ".")
		key, _, _ = strings.Cut(key, "[")
		top[key] = true
	}
	response.Changes = pulumirpc.DiffResponse_DIFF_SOME
	response.Diffs = slices.Sorted(maps.Keys(top))
	slices.Sort(response.Replaces)
	response.DeleteBeforeReplace = len(response.Replaces) > 0 && namedByProgram(token, olds, news)
	return response
}

// namedByProgram reports whether the old resource has the name that the new one wants, so that it has to go first: the
// provider gives every resource that it names itself another name (nameRequiresDeleteBeforeReplace of the Pulumi
// Terraform bridge).
func namedByProgram(token string, olds, news resource.PropertyMap) bool {
	name := resource.PropertyKey(awsmodel.Names(token).Property)
	if name == "" || !news[name].IsString() {
		return false
	}
	if defaults := news[defaultsKey]; defaults.IsArray() {
		for _, v := range defaults.ArrayValue() {
			if v.IsString() && v.StringValue() == string(name) {
				return false
			}
		}
	}
	return olds[name].DeepEquals(news[name])
}

// bare are properties without marks of secrets and without what the provider noted.
func bare(m resource.PropertyMap) resource.PropertyMap {
	out := resource.PropertyMap{}
	for key, v := range m {
		if key != defaultsKey {
			out[key] = bareValue(v)
		}
	}
	return out
}

func bareValue(v resource.PropertyValue) resource.PropertyValue {
	v = awsmodel.Plain(v)
	switch {
	case v.IsArray():
		list := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			list[i] = bareValue(e)
		}
		return resource.NewProperty(list)
	case v.IsObject():
		m := resource.PropertyMap{}
		for key, e := range v.ObjectValue() {
			m[key] = bareValue(e)
		}
		return resource.NewProperty(m)
	}
	return v
}

// changedKeys are the names of the inputs that differ, in order.
func changedKeys(olds, news resource.PropertyMap) []string {
	diff := bare(olds).Diff(bare(news))
	if diff == nil {
		return nil
	}
	var keys []string
	for _, key := range diff.ChangedKeys() {
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// foresee are the outputs of a change that was not made yet: what it makes anew is not known.
func foresee(token string, olds, oldOutputs, news resource.PropertyMap) resource.PropertyMap {
	outputs := oldOutputs.Copy()
	for key := range olds {
		if _, still := news[key]; !still {
			delete(outputs, key)
		}
	}
	maps.Copy(outputs, news)
	delete(outputs, defaultsKey)
	for _, key := range awsmodel.Renewed(token, changedKeys(olds, news)) {
		outputs[resource.PropertyKey(key)] = resource.MakeComputed(resource.NewProperty(""))
	}
	return outputs
}
