"""The door of flows and tasks."""

from __future__ import annotations

from typing import Any

from services.common.errors import NotFound
from services.common.group_commit import Operation
from services.common.messaging import Call, Service, endpoint, every
from services.common.outgoing import Outgoing
from services.common.paging import ListInput
from services.workflow import model, schema, store
from services.workflow.engine.definition import CUSTOMER_FORM
from services.workflow.operations import (
    copies,
    ending,
    flows,
    helping,
    inbox,
    instances,
    settings,
    steering,
    tasks,
    timers,
)

_EFFECT_SECONDS_MAX = 3.0
_LOOK_SECONDS = 0.03
# Deadlines fire within five seconds.
_TIMER_SECONDS = 2.0


class WorkflowService(Service):
    """Flows, their instances, tasks and to-dos."""

    name = "workflow"
    metadata = model.metadata
    owned = {"instances": store.facts_of}  # noqa: RUF012 - declared by the base class
    projections = ("users", "departments", "customers", "exchange_rates", "business_date", "duties")
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "application": {
            "application_submitted": instances.start_for_application,
            "application_withdrawn": instances.withdraw_for_application,
            "record_created": instances.start_for_record,
            "records_imported": instances.start_for_records,
            "record_updated": instances.start_for_record,
        },
        "customer": {
            "customer_created": copies.customer_created,
            "customer_updated": copies.customer_changed,
            "reminder_due": copies.reminder_due,
            "reminder_settled": copies.reminder_settled,
        },
        "limits": {
            "account_changed": copies.account_changed,
            "order_held": instances.start_for_record,
            "exchange_rates_set": copies.exchange_rates_set,
            "business_date_opened": copies.business_date_opened,
        },
        "risk_rules": {"rule_fired": copies.rule_fired, "customer_rated": copies.customer_rated},
        "gateway": {
            "user_changed": copies.user_changed,
            "department_changed": copies.department_changed,
            "duties_changed": copies.duties_changed,
        },
    }
    # An approver who was made, and a rate that was set, before an application was submitted is known before
    # its flow starts.
    reads_first = {"application": ("gateway", "limits"), "risk_rules": ("gateway",)}  # noqa: RUF012
    answers = {  # noqa: RUF012 - declared by the base class
        "action_answered": timers.action_answered,
        "application_grant": ending.granting_marked,
        "credit_granted": ending.credit_granted,
        "application_take_effect": ending.step_told,
        "application_fail": ending.step_told,
        "application_reject": ending.step_told,
        "application_return": ending.step_told,
    }

    @endpoint(ListInput(), "flows.read")
    def list_flows(self, call: Call) -> dict[str, Any]:
        """A page of flows."""
        return dict(self.read(call, flows.list_flows, call.input))

    @endpoint(schema.FlowKey(), "flows.read")
    def get_flow(self, call: Call) -> dict[str, Any]:
        """One flow with its versions."""
        return dict(self.read(call, flows.get_flow, call.input["flow"]))

    @endpoint(schema.NewFlow(), "flows.write")
    def create_flow(self, call: Call) -> dict[str, Any]:
        """Make a flow as a draft."""
        return self.apply(call, flows.create_flow, call.input)

    @endpoint(schema.FlowChange(), "flows.write")
    def change_flow(self, call: Call) -> dict[str, Any]:
        """Change a flow's draft."""
        return self.apply(call, flows.change_flow, call.input)

    @endpoint(schema.FlowKey(), "flows.publish")
    def publish_flow(self, call: Call) -> dict[str, Any]:
        """Check a flow's draft and put it in force."""
        flow = call.input["flow"]
        forms = {key: self._form(call, key) for key in self.read(call, flows.forms_to_check, flow)}
        return self.apply(call, flows.publish_flow, flow, forms)

    @endpoint(schema.Simulation(), "flows.simulate")
    def simulate_flow(self, call: Call) -> dict[str, Any]:
        """The path and the people for sample data."""
        self.catch_up("gateway")
        self.catch_up("limits")
        return dict(self.read(call, flows.simulate_flow, call.input))

    @endpoint(schema.FlowExport(), "flows.read")
    def export_flow(self, call: Call) -> dict[str, Any]:
        """A flow as BPMN 2.0 XML or as SVG."""
        return dict(self.read(call, flows.export_flow, call.input))

    @endpoint(None, None)
    def hear_applications(self, call: Call) -> dict[str, Any]:
        """Read people's and applications' news now, so that whoever has submitted finds the tasks."""
        return {"heard": self.catch_up("application")}

    @endpoint(schema.TaskList(), "tasks.read")
    def list_tasks(self, call: Call) -> dict[str, Any]:
        """The caller's own tasks."""
        return dict(self.read(call, inbox.list_tasks, call.input))

    @endpoint(None, "tasks.read")
    def count_tasks(self, call: Call) -> dict[str, Any]:
        """How many tasks the caller has open: `{"open", "kinds": {kind: count}}`."""
        return dict(self.read(call, inbox.count_tasks))

    @endpoint(schema.TaskKey(), "tasks.read")
    def get_task(self, call: Call) -> dict[str, Any]:
        """One of the caller's own tasks."""
        return dict(self.read(call, inbox.get_task, call.input["task_id"]))

    @endpoint(schema.Approval(), "tasks.approve")
    def approve_task(self, call: Call) -> dict[str, Any]:
        """Approve; where the flow ends by it, wait a moment for the limit to take effect."""
        answer = self._decided(call, tasks.approve_task)
        if answer["instance_state"] == "granting":
            return {**answer, "instance_state": self._effect(call, answer["instance_id"])}
        return answer

    @endpoint(schema.TaskAction(), "tasks.reject")
    def reject_task(self, call: Call) -> dict[str, Any]:
        """Reject for good."""
        return self._decided(call, tasks.reject_task)

    @endpoint(schema.TaskReturn(), "tasks.return")
    def return_task(self, call: Call) -> dict[str, Any]:
        """Send back to whoever asked, or to a node that was passed."""
        return self.apply(call, tasks.return_task, call.input)

    @endpoint(schema.Handover(), "tasks.act")
    def transfer_task(self, call: Call) -> dict[str, Any]:
        """Hand a task to somebody else."""
        return self.apply(call, helping.transfer_task, call.input)

    @endpoint(schema.Handover(), "tasks.act")
    def delegate_task(self, call: Call) -> dict[str, Any]:
        """Ask somebody for an opinion; the task comes back."""
        return self.apply(call, helping.delegate_task, call.input)

    @endpoint(schema.Signers(), "tasks.act")
    def add_signers(self, call: Call) -> dict[str, Any]:
        """Let others decide as well."""
        return self.apply(call, helping.add_signers, call.input)

    @endpoint(schema.SignerRemoval(), "tasks.act")
    def remove_signer(self, call: Call) -> dict[str, Any]:
        """Take somebody away who has not decided."""
        return self.apply(call, helping.remove_signer, call.input)

    @endpoint(schema.Copies(), "tasks.act")
    def copy_task(self, call: Call) -> dict[str, Any]:
        """Give others a copy to read."""
        return self.apply(call, helping.copy_task, call.input)

    @endpoint(schema.TaskAction(), "tasks.act")
    def urge_task(self, call: Call) -> dict[str, Any]:
        """Press for a task of an instance in which one takes part."""
        return self.apply(call, helping.urge_task, call.input)

    @endpoint(schema.Comment(), "tasks.act")
    def comment_task(self, call: Call) -> dict[str, Any]:
        """Say something without deciding."""
        return self.apply(call, helping.comment_task, call.input)

    @endpoint(schema.TaskBatch(), "tasks.act")
    def act_on_tasks(self, call: Call) -> dict[str, Any]:
        """One action on several tasks."""
        return self.apply(call, tasks.run_batch, call.input)

    @endpoint(schema.InstanceKey(), "tasks.read")
    def get_instance(self, call: Call) -> dict[str, Any]:
        """An instance with its graph and timeline."""
        return dict(self.read(call, inbox.get_instance, call.input["instance_id"]))

    @endpoint(schema.InstanceKeys(), "tasks.read")
    def shown_instances(self, call: Call) -> dict[str, Any]:
        """Which of these instances the caller may be shown: `{"instance_ids"}`."""
        shown = self.read(call, store.instances_shown, call.input["instance_ids"])
        return {"instance_ids": shown}

    @endpoint(schema.TaskList(), "instances.read")
    def list_instances(self, call: Call) -> dict[str, Any]:
        """The instances that the caller's right reaches."""
        return dict(self.read(call, inbox.list_instances, call.input))

    @endpoint(schema.NewInstance(), "instances.start")
    def start_instance(self, call: Call) -> dict[str, Any]:
        """Start a flow about something."""
        self.catch_up("gateway")
        self.catch_up("customer")
        return self.apply(call, instances.start_by_hand, call.input)

    @endpoint(schema.InstanceWithdrawal(), "instances.withdraw")
    def withdraw_instance(self, call: Call) -> dict[str, Any]:
        """Take back what one has asked for."""
        return self.apply(call, steering.withdraw_instance, call.input)

    @endpoint(schema.SubjectKey(), None)
    def require_withdrawable(self, call: Call) -> dict[str, Any]:
        """Refuse where the flow does not let what is asked be taken back as it stands."""
        return dict(self.read(call, steering.may_be_withdrawn, call.input))

    @endpoint(schema.InstanceEnd(), "instances.steer")
    def terminate_instance(self, call: Call) -> dict[str, Any]:
        """End a running instance."""
        return self.apply(call, steering.terminate_instance, call.input)

    @endpoint(schema.InstanceJump(), "instances.steer")
    def jump_instance(self, call: Call) -> dict[str, Any]:
        """Put a running instance at another node."""
        return self.apply(call, steering.jump_instance, call.input)

    @endpoint(schema.InstanceEnd(), "instances.steer")
    def retry_instance(self, call: Call) -> dict[str, Any]:
        """Send again what was parked of a running instance."""
        return self.apply(call, steering.retry_instance, call.input)

    @endpoint(None, "flows.read")
    def get_authorities(self, call: Call) -> dict[str, Any]:
        """Up to which amount each role may approve."""
        return dict(self.read(call, settings.get_authorities))

    @endpoint(schema.Authorities(), "flows.settings")
    def set_authorities(self, call: Call) -> dict[str, Any]:
        """Set the authority of every role."""
        return self.apply(call, settings.set_authorities, call.input)

    @endpoint(None, "flows.read")
    def get_calendar(self, call: Call) -> dict[str, Any]:
        """The business calendar."""
        return dict(self.read(call, settings.get_calendar))

    @endpoint(schema.BusinessCalendar(), "flows.settings")
    def set_calendar(self, call: Call) -> dict[str, Any]:
        """Set the business calendar."""
        return self.apply(call, settings.set_calendar, call.input)

    @endpoint(None, "flows.read")
    def list_bindings(self, call: Call) -> dict[str, Any]:
        """Which flow each event starts."""
        return dict(self.read(call, settings.list_bindings))

    @endpoint(schema.NewBinding(), "flows.settings")
    def bind_flow(self, call: Call) -> dict[str, Any]:
        """Let an event start a flow."""
        return self.apply(call, settings.bind_flow, call.input)

    @endpoint(schema.BindingKey(), "flows.settings")
    def unbind_flow(self, call: Call) -> dict[str, Any]:
        """Let an event start nothing any more."""
        return self.apply(call, settings.unbind_flow, call.input)

    @endpoint(None, "tasks.act")
    def list_absences(self, call: Call) -> dict[str, Any]:
        """Who acts for whom, and when."""
        return dict(self.read(call, settings.list_absences))

    @endpoint(schema.NewAbsence(), "tasks.act")
    def add_absence(self, call: Call) -> dict[str, Any]:
        """Name a deputy for a time."""
        self.catch_up("gateway")
        return self.apply(call, settings.add_absence, call.input)

    @endpoint(schema.AbsenceKey(), "tasks.act")
    def end_absence(self, call: Call) -> dict[str, Any]:
        """Take an absence back."""
        return self.apply(call, settings.end_absence, call.input)

    @endpoint(schema.TaskList(), "todos.read")
    def list_todos(self, call: Call) -> dict[str, Any]:
        """The caller's own to-dos."""
        return dict(self.read(call, inbox.list_tasks, call.input, "todo"))

    @endpoint(schema.TaskAction(), "todos.act")
    def finish_todo(self, call: Call) -> dict[str, Any]:
        """Mark a to-do as done."""
        return self.apply(call, tasks.finish_todo, call.input)

    @every(seconds=_TIMER_SECONDS, name="fire-timers")
    def fire_timers(self) -> None:
        """Let deadlines, reminders and delays happen that are due."""
        timers.fire_due(self.work)

    @every(seconds=_TIMER_SECONDS, name="send-webhooks")
    def send_webhooks(self) -> None:
        """Send the webhooks that are due."""
        timers.send_webhooks(self.work, Outgoing(self.ground.settings.outgoing_allowed))

    def _decided(self, call: Call, operation: Operation) -> dict[str, Any]:
        """Apply a decision in one transaction with those that come meanwhile."""
        return self.apply_grouped(call, operation, tasks.foresee_tasks, writes_at_once=True)

    def _form(self, call: Call, key: str) -> dict[str, Any] | None:
        """A form in force, of whichever service keeps it; None where there is none."""
        service = "customer" if key == CUSTOMER_FORM else "application"
        try:
            found: dict[str, Any] = self.call(call, service, "get_form", {"key": key})
        except NotFound:
            return None
        return found if found["version"] else None

    def _effect(self, call: Call, instance_id: Any) -> str:
        def settled() -> str | None:
            state: str = self.read(call, inbox.instance_state, instance_id)
            return None if state == "granting" else state

        return self.ground.wait_for(settled, _EFFECT_SECONDS_MAX, _LOOK_SECONDS) or "granting"
