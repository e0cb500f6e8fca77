// Package e2e has the end-to-end tests: the operator as a process, under the chart's service account, on a real API server,
// real source and kustomize controllers, a real registry and a real Git server. With FLUX_BIN_DIR set Flux's own image
// controllers run, else the stand-in of hack/local; the test says which at its start. What becomes of Apps and HelmReleases is
// said by the stand-ins of hack/local for app-operator and helm-controller.
package e2e
