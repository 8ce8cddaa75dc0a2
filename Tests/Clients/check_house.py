"""What the checks themselves stand on: a House ends what it started, also its Kafka client."""

import gc

from checks import check, run
from confluent_kafka.admin import AdminClient
from house import House

House.needed()


class Knot(House):
    """A House that refers to itself, as those with callbacks do: only the collector frees it."""

    def __enter__(self):
        self.itself = self
        return super().__enter__()


@check
def collected_by_a_callback():
    """A House that the collector finds on the thread of its own client's callbacks ends no process"""
    answer = AdminClient._make_topics_result

    def collect_and_answer(*arguments):
        gc.collect()
        return answer(*arguments)

    AdminClient._make_topics_result = staticmethod(collect_and_answer)
    gc.disable()  # it finds nothing before the callback does
    try:
        for _ in range(3):
            with Knot():
                pass
    finally:
        gc.enable()
        AdminClient._make_topics_result = staticmethod(answer)


run()
