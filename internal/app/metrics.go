package app

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/isplicense/license-bot/internal/bot"
	"github.com/isplicense/license-bot/internal/requests"
)

// metrics is what /metrics shows. No label holds a person, a channel or a licence.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	panel    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	chat     *prometheus.CounterVec
	acked    *prometheus.HistogramVec
}

func newMetrics(count func() bot.Counts) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "licensebot_requests_total", Help: "What became of requests: each licence of a bulk request counts.",
		}, []string{"action", "outcome"}),
		panel: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "licensebot_isplicense_calls_total", Help: "Calls of the licence panel.",
		}, []string{"func", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "licensebot_isplicense_call_duration_seconds", Help: "Duration of calls of the licence panel.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"func"}),
		chat: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "licensebot_chat_calls_total", Help: "Calls of the chats' APIs.",
		}, []string{"transport", "method", "result"}),
		acked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "licensebot_acknowledgement_seconds", Help: "From receiving a command or click to acknowledging it, recorded.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 3},
		}, []string{"transport"}),
	}
	m.registry.MustRegister(
		m.requests, m.panel, m.took, m.chat, m.acked,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "licensebot_open_requests", Help: "Requests of which something can still come.",
		}, func() float64 { return float64(count().Open) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "licensebot_undelivered_reports", Help: "Reports that no chat has taken yet.",
		}, func() float64 { return float64(count().Undelivered) }),
	)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Outcome counts what became of a request.
func (m *metrics) Outcome(a requests.Action, outcome string) {
	m.requests.WithLabelValues(string(a), outcome).Inc()
}

func (m *metrics) panelCall(fn, result string, took time.Duration) {
	m.panel.WithLabelValues(fn, result).Inc()
	m.took.WithLabelValues(fn).Observe(took.Seconds())
}

// chatCall gives the observer of one chat's calls.
func (m *metrics) chatCall(transport string) func(method, result string, took time.Duration) {
	return func(method, result string, _ time.Duration) {
		m.chat.WithLabelValues(transport, method, result).Inc()
	}
}

// acknowledged gives the observer of one chat's acknowledgements.
func (m *metrics) acknowledged(transport string) func(took time.Duration) {
	h := m.acked.WithLabelValues(transport)
	return func(took time.Duration) { h.Observe(took.Seconds()) }
}
