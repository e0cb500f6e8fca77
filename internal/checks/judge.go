package checks

import (
	"fmt"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// maxMessage bounds what an object says about itself, in bytes.
const maxMessage = 256

// judge says whether an object is Current, and if not why.
func judge(object *unstructured.Unstructured) (current bool, message string) {
	result, err := status.Compute(object)
	if err != nil {
		return false, bounded("its status cannot be understood: " + err.Error())
	}
	if result.Status != status.CurrentStatus {
		return false, bounded(fmt.Sprintf("%s: %s", result.Status, result.Message))
	}
	switch object.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return judgeJob(object)
	case appv1alpha1.GroupVersion.WithKind(appv1alpha1.AppKind).GroupKind():
		return judgeApp(object)
	default:
		return true, ""
	}
}

// judgeJob looks at a Job that has not failed: kstatus takes it for Current as soon as it runs.
func judgeJob(object *unstructured.Unstructured) (current bool, message string) {
	with, err := status.GetObjectWithConditions(object.Object)
	if err != nil {
		return false, bounded("its status cannot be understood: " + err.Error())
	}
	for _, condition := range with.Status.Conditions {
		if condition.Type == "Complete" && condition.Status == "True" {
			return true, ""
		}
	}
	return false, "InProgress: the Job is not complete"
}

// judgeApp looks at the Helm release: an App has neither conditions nor an observed generation, and its status is about
// the old version until Helm is through with the new one.
func judgeApp(object *unstructured.Unstructured) (current bool, message string) {
	release, _, _ := unstructured.NestedString(object.Object, "status", "release", "status")
	installed, _, _ := unstructured.NestedString(object.Object, "status", "version")
	wanted, _, _ := unstructured.NestedString(object.Object, "spec", "version")
	switch {
	case release == "":
		return false, "InProgress: the App has no release yet"
	case release != "deployed":
		return false, bounded("InProgress: the App's release is " + release)
	case !versions.Same(installed, versions.Tag(wanted)):
		return false, bounded(fmt.Sprintf("InProgress: the App runs %s and should run %s", installed, wanted))
	default:
		return true, ""
	}
}

func bounded(text string) string { return message.Bounded(text, maxMessage) }
