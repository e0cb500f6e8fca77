package resolve

import (
	"strings"

	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
)

// Annotations by which a human tells app-operator to leave an App alone.
const (
	PausedAnnotation       = "app-operator.giantswarm.io/paused"
	CordonReasonAnnotation = "app-operator.giantswarm.io/cordon-reason"
	CordonUntilAnnotation  = "app-operator.giantswarm.io/cordon-until"
)

// statusCordoned is the release status of a cordoned App; chart-operator writes it in capitals.
const statusCordoned = "cordoned"

// Excused says why nothing can be told of a version by what becomes of an App now; empty: it can.
func Excused(app *appv1alpha1.App) string {
	status, _ := app.ReleaseStatus()
	_, reason := app.Annotations[CordonReasonAnnotation]
	_, until := app.Annotations[CordonUntilAnnotation]
	switch paused, ok := app.Annotations[PausedAnnotation]; {
	case !app.DeletionTimestamp.IsZero():
		return "deleting"
	case ok && paused != "false":
		return "paused"
	case reason || until || strings.EqualFold(status, statusCordoned):
		return "cordoned"
	default:
		return ""
	}
}
