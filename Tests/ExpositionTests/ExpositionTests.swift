import Exposition
import Testing
